from importlib import import_module

from django.db import migrations, models

edition = import_module("glossary.migrations.0006_edition")


class Migration(migrations.Migration):
    dependencies = [
        ("glossary", "0006_edition"),
    ]

    operations = [
        migrations.CreateModel(
            name="TableEdition",
            fields=[
                ("name", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("token", models.CharField(max_length=32)),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, edition.drop_triggers),
    ]
