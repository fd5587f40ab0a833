from django.apps import AppConfig
from django.db.models.signals import post_migrate


class GlossaryConfig(AppConfig):
    name = "glossary"
    verbose_name = "Knowledge"

    def ready(self) -> None:
        from glossary import triggers

        post_migrate.connect(triggers.install, sender=self, dispatch_uid="glossary_triggers")
