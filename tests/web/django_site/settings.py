"""The other program's settings: its own role, and the clinic's schema as search path."""

import os

from psycopg import conninfo

_dsn = conninfo.conninfo_to_dict(os.environ["SITE_DSN"])

SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "America/Santiago"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "tests.web.django_site.apps.Site",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _dsn["dbname"],
        "USER": _dsn.get("user", ""),
        "PASSWORD": _dsn.get("password", ""),
        "HOST": _dsn.get("host", ""),
        "PORT": _dsn.get("port", ""),
        "OPTIONS": {"options": _dsn.get("options", "")},
    }
}
