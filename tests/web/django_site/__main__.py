"""Takes one JSON request a line from standard input, and answers each with one line of JSON."""

import json
import sys

import django

django.setup()

from django.db import DatabaseError, connection  # noqa: E402

from tests.web.django_site import actions  # noqa: E402


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            action = getattr(actions, request["do"])
            answer = {"value": action(*request["args"], **request["named"])}
        except DatabaseError as error:
            cause = error.__cause__
            answer = {
                "error": type(error).__name__,
                "sqlstate": getattr(cause, "sqlstate", None),
                "constraint": getattr(getattr(cause, "diag", None), "constraint_name", None),
                "message": str(error),
            }
        print(json.dumps(answer), flush=True)
    connection.close()


main()
