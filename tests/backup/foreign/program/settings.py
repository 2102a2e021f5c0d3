"""The other program's settings; the search path of its connection is the clinic's schema."""

import os

from psycopg import conninfo

_dsn = conninfo.conninfo_to_dict(os.environ["PROGRAM_DSN"])
_here = "tests.backup.foreign.program"

SECRET_KEY = "only for tests"
USE_TZ = os.environ.get("PROGRAM_USE_TZ", "1") == "1"
TIME_ZONE = "America/Santiago"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    f"{_here}.personal",
    f"{_here}.pacientes",
    f"{_here}.cuentas",
    f"{_here}.finanzas",
    f"{_here}.configuracion",
    f"{_here}.inventario",
    f"{_here}.citas",
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
