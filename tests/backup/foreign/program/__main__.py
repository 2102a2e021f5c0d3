"""``python -m tests.backup.foreign.program make | <any command of Django's>``"""

import sys

import django
from django.core.management import call_command, execute_from_command_line

django.setup()

if sys.argv[1:] == ["make"]:
    from tests.backup.foreign.program.fill import fill

    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    fill()
else:
    execute_from_command_line(sys.argv)
