"""Somebody who works in the clinic meanwhile, in a process of its own, and notes how long each thing took.

Reads a task as a line of JSON and says ``ready``; works until its input ends, and writes all that it
noted as a line: began and ended, by the clock that all processes of the computer share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import psycopg
from psycopg import sql

PAUSE = 0.01
"""Seconds between one write and the next: a hundred a second, and the computer does something else, too."""
WRITE = "UPDATE {} SET notas = %s WHERE id = %s"
READ = "SELECT count(*), max(notas) FROM {} WHERE id BETWEEN %s AND %s + 20"


def run(task: dict[str, Any], ended: threading.Event) -> list[tuple[float, float]]:
    """Small transactions on the clinic's two largest tables by turns, one after the other."""
    noted = []
    tables = [sql.Identifier(task["schema"], name) for name in ("citas_cita", "pacientes_cliente")]
    with psycopg.connect(task["dsn"], autocommit=True) as connection:
        for turn in range(10**9):
            row = 1 + turn % 100
            began = time.monotonic()
            if task["writes"]:
                statement, values = WRITE, (f"escrito {turn}", row)
            else:
                statement, values = READ, (row, row)
            connection.execute(sql.SQL(statement).format(tables[turn % 2]), values)
            noted.append((began, time.monotonic()))
            if turn == 0:
                print("ready", flush=True)
            if ended.wait(PAUSE):
                break
    return noted


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    no_more = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), no_more.set()), daemon=True).start()
    print(json.dumps(run(given, no_more)), flush=True)
