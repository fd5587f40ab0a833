"""Settings, one file in sections. What differs between places comes from the environment.

| variable | meaning | without it |
|---|---|---|
| SECRET_KEY | Django's secret | a local key is made in `.data/` and only localhost is answered |
| ALLOWED_HOSTS | host names, separated by commas | localhost only |
| DATABASE_URL | e.g. `postgres://user:password@host/name` | SQLite in `.data/db.sqlite3` |
| DEBUG | 1 while developing | off |
| SITE_URL | address of the site as readers see it, without URL_PREFIX, for links that leave it (QR code, feed) | from the request |
| URL_PREFIX | e.g. `/guide`, when the site stands below a path of its host | the site has its host to itself |
| ADMIN_PATH | where the editors' desk is, e.g. `a-quiet-word/` | `admin/` |
| CONTACT | where to report a security problem (e-mail address or https://…), for `/.well-known/security.txt` | that file is not there |
| SSL_REDIRECT | 0 where something in front already sends http to https | on when ALLOWED_HOSTS is set |
| TRUST_PROXY_HEADERS | 1 behind a proxy that sets X-Forwarded-Proto and X-Forwarded-For itself | off |
| SECOND_FACTOR | 1 or 0: whether every editor must give a code from a phone | on when ALLOWED_HOSTS is set |
| PUBLISH_OWN_CERTAINTY | 1 for a team of one: who weighs a finding may publish it as well | off |
| REDIS_URL | e.g. `redis://host:6379/0`, Redis or Valkey: the cache that several machines share | each process keeps pages for itself |
| HOST, PORT | where the production server (`python -m config.server`) listens | 127.0.0.1, 8000 |
| WORKERS, THREADS | its processes, and the threads of each, two at least | one process a core, 3 threads |
| METRICS_TOKEN | whoever gives it as `Authorization: Bearer …` may read the numbers at /metrics | /metrics is not there |
| SENTRY_DSN | where errors are reported to (Sentry, GlitchTip): no visitor's words, address or cookies | errors are in the log alone |
| DATABASE_TIMEOUT | seconds after which the site gives up on one query (PostgreSQL) | 15 |
| BACKUP_DIR | folder for backups, best on another disk | backups/ in DATA_DIR |
| DATA_DIR | folder for the database, the local key and the collected static files | `.data/` |
"""

import os
import re
import secrets
from datetime import timedelta
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP


def env_flag(name: str, default: bool = False) -> bool:
    """An environment variable as yes or no; anything else stops the start."""
    value = os.environ.get(name, "").strip().lower()
    words = {"": default, "1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value not in words:
        raise ImproperlyConfigured(f"{name} is {value!r}: give 1 or 0.")
    return words[value]


# --- Where things are

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data")
DATA_DIR.mkdir(exist_ok=True)

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Who may be answered, and the secret

DEBUG = env_flag("DEBUG")
ALLOWED_HOSTS = [host.strip() for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host.strip()]
IS_LOCAL = not ALLOWED_HOSTS


def local_secret_key() -> str:
    """The key of this checkout, made on first use; good enough for localhost and nothing else."""
    path = DATA_DIR / "secret-key"
    if not path.exists():
        # "x": of two processes that start at once, one makes the key and both read that one.
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(secrets.token_urlsafe(60))
        except FileExistsError:
            pass
    return path.read_text()


SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not IS_LOCAL:
        raise ImproperlyConfigured("ALLOWED_HOSTS is set, so SECRET_KEY must be set too.")
    SECRET_KEY = local_secret_key()
if IS_LOCAL:
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

SITE_URL = os.environ.get("SITE_URL", "").rstrip("/")


def env_path(name: str, default: str = "") -> str:
    """An environment variable as a path without the slashes around it; anything but plain words stops the start."""
    path = os.environ.get(name, "").strip("/") or default
    if not re.fullmatch(r"([a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*)?", path):
        raise ImproperlyConfigured(f"{name} is {path!r}: give small letters, digits, hyphens and slashes.")
    return path


# Below which path of its host the site stands: "/guide", or empty. The web server takes it off each request's path.
URL_PREFIX = f"/{path}" if (path := env_path("URL_PREFIX")) else ""
FORCE_SCRIPT_NAME = URL_PREFIX or None
ADMIN_PATH = f"{env_path('ADMIN_PATH', 'admin')}/"
DESK = f"/{ADMIN_PATH}"  # how the paths of the editors' desk begin, below the prefix
CONTACT = os.environ.get("CONTACT", "").strip()

# Of each process: two make pages (see `config/crowd.py`), the third hands out kept ones meanwhile. With more, single
# readers wait longer than the rest, because Python lets one thread run at a time and takes no care which.
THREADS = max(2, int(os.environ.get("THREADS") or 3))

# --- Parts

INSTALLED_APPS = [
    "config.apps.DeskConfig",  # django.contrib.admin with our own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django_htmx",
    "simple_history",
    "django_otp",
    "config.apps.PhonesConfig",
    "django_otp.plugins.otp_static",
    "axes",
    "import_export",
    "glossary",
    "products",
]

MIDDLEWARE = [
    "config.pages.Pages",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.http.public_headers",
    "config.crowd.bounded",
    "config.logs.Watch",
    # For the desk, since public pages are compressed above. Secrets stay guarded: Django masks its tokens and pads the answer.
    "django.middleware.gzip.GZipMiddleware",
    "config.http.short_address",
    "config.http.without_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.http.site_context",
            ],
            "builtins": ["django.templatetags.i18n", "glossary.templatetags.guide"],
        },
    },
]

# --- Data

if os.environ.get("DATABASE_URL"):
    DATABASES = {"default": dj_database_url.config(conn_max_age=60, conn_health_checks=True)}
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        # A host that is gone says nothing: stop waiting for it. What a query may take is in `config/database.py`.
        DATABASES["default"]["OPTIONS"] = {
            "connect_timeout": 3,
            "keepalives_idle": 20,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,  # milliseconds
        } | DATABASES["default"].get("OPTIONS", {})
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "db.sqlite3",
            "CONN_MAX_AGE": None,  # to open it anew for each request costs more than the query
            # A file for tests as well: the browser tests read it from another thread.
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
            "OPTIONS": {
                # Readers never wait for a writer, and a writer waits its turn instead of failing half-way. FULL: a save that was
                # answered is on the disk, also when the power fails.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=134217728",
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
            },
        }
    }

DATABASE_TIMEOUT = float(os.environ.get("DATABASE_TIMEOUT") or 15)
BACKUP_DIR = Path(os.environ.get("BACKUP_DIR") or DATA_DIR / "backups")

# --- What is kept between requests

CACHES: dict = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Public pages in the memory of each process, those least asked for going first: about 30 kB each.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "TIMEOUT": None,
        "OPTIONS": {"MAX_ENTRIES": 3_000, "CULL_FREQUENCY": 10},
    },
}
if REDIS_URL := os.environ.get("REDIS_URL"):
    # Limits are then counted, and pages kept, for all processes and machines together.
    CACHES["default"] = CACHES["shared"] = {
        "BACKEND": "config.shared_cache.SharedCache",
        "LOCATION": REDIS_URL,
        "TIMEOUT": 24 * 3600,
        "OPTIONS": {"socket_connect_timeout": 0.25, "socket_timeout": 0.25},
    }

# --- Language and time

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_TZ = True

# --- Static files

STATIC_URL = f"{URL_PREFIX}/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Safety

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, "'inline-speculation-rules'"],  # lists of links to fetch ahead, no code
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
    # Text becomes markup or code only by the one policy in static/js/site.js.
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["default"],
}
# Django's admin brings widgets that know no Trusted Types (jQuery, Select2).
DESK_CSP = {name: sources for name, sources in SECURE_CSP.items() if "trusted-types" not in name}
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_SSL_REDIRECT = not DEBUG and env_flag("SSL_REDIRECT", default=not IS_LOCAL)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
TRUST_PROXY_HEADERS = env_flag("TRUST_PROXY_HEADERS")
if TRUST_PROXY_HEADERS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    NINJA_NUM_PROXIES = 1  # the API's limit then counts by the address that the proxy saw
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not (DEBUG or IS_LOCAL)
# Lax, not Strict: who follows a link in an e-mail to the desk stays logged in; forms carry a token of their own.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{URL_PREFIX}/"
if SESSION_COOKIE_SECURE:
    # With these names a browser takes them from this very host and over https alone.
    SECURE_NAME = "__Secure-" if URL_PREFIX else "__Host-"
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{SECURE_NAME}sessionid", f"{SECURE_NAME}csrftoken"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.views.stale_form"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# The ad check takes 20,000 characters, at most four bytes each, plus the form's own escaping.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
# A file given to the ad check never touches the disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- The editors' desk

PUBLISH_OWN_CERTAINTY = env_flag("PUBLISH_OWN_CERTAINTY")
PREVIEW_DAYS = 14  # how long a preview link for somebody outside opens

# --- Who may enter the desk

SECOND_FACTOR = env_flag("SECOND_FACTOR", default=not IS_LOCAL)
OTP_TOTP_ISSUER = "Claimed & Shown"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
LOGIN_URL = LOGOUT_REDIRECT_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # both together; see config/lockout.py
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who keeps trying waits no longer than was said
AXES_CLIENT_IP_CALLABLE = "config.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "config.lockout.locked_out"
# Kept about a failure: name and address for a quarter of an hour, then until the next log-in clears them away.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "next", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# --- Logs: never what a visitor typed

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "config.logs.Readable" if DEBUG else "config.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # what was refused has a line of its own already (see `config/logs.py`)
    },
}

# --- Who watches over it

METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
if SENTRY_DSN := os.environ.get("SENTRY_DSN", ""):
    from config import reports

    reports.start(SENTRY_DSN)

# --- History

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
