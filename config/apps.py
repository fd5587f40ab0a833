from django.contrib.admin.apps import AdminConfig
from django_otp.plugins.otp_totp.apps import DefaultConfig


class DeskConfig(AdminConfig):
    """Django's admin with the editors' desk as its site, so that `admin.site` and `@admin.register` mean the desk."""

    default_site = "config.admin.Desk"

    def ready(self) -> None:
        super().ready()
        from config import editors  # noqa: F401 - once the apps have registered what it replaces


class PhonesConfig(DefaultConfig):
    """The phones that make codes, under a name that an administrator understands."""

    verbose_name = "Second step"
