"""What a production server runs."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django = get_wsgi_application()

from config import database  # noqa: E402 - they need the settings
from config.door import Door  # noqa: E402

# A thread that hands out a kept page waits this long for one that makes a page to let it go on, after each word with the
# database; with the usual 5 ms, a busy process hands out a tenth of what it could.
sys.setswitchinterval(0.0005)
database.bound_queries()
application = Door(django)
