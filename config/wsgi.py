"""What a production server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django = get_wsgi_application()

from config import database  # noqa: E402 - they need the settings
from config.door import Door  # noqa: E402

database.bound_queries()
application = Door(django)
