from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ProductsConfig(AppConfig):
    name = "products"
    verbose_name = "Products"

    def ready(self) -> None:
        from config import roles
        from products import gaps, search_index  # noqa: F401 - gaps registers what a category needs

        search_index.connect()
        post_migrate.connect(search_index.install, sender=self, dispatch_uid="products_search")
        # Here because this app comes last: the permissions of all others are there by then.
        post_migrate.connect(roles.bring_up_to_date, sender=self, dispatch_uid="roles")
