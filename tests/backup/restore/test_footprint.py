"""What a restoring process has in memory besides an archive's rows."""

from __future__ import annotations

import subprocess
import sys

NEEDLESS = ("sqlcipher3", "phonenumbers", "email_validator", "babel", "PySide6")
RESTORING = f"""
import sys
import desktop.backup.restore
from desktop.backup.archive_reader import verify
from desktop.services.tenancy import Migrations
assert Migrations().head() in Migrations().known()
print(*[name for name in {NEEDLESS} if name in sys.modules])
"""


def test_a_restore_brings_no_library_that_it_does_not_use() -> None:
    """Together they are a tenth of the memory that a restore may take."""
    found = subprocess.run(
        [sys.executable, "-c", RESTORING], check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == []
