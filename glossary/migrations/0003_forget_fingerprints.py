"""Fingerprints are made in another way now: the old ones would take every row for an editor's work."""

from django.db import migrations


def forget(apps, schema_editor):
    apps.get_model("glossary", "LoadedEntry").objects.update(fingerprint="")


class Migration(migrations.Migration):
    dependencies = [("glossary", "0002_effect_wish")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop, elidable=True)]
