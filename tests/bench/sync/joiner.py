"""A workstation that joins in a process of its own, and says how long it took and how big it was.

``python -m tests.bench.sync.joiner FILE FOLDER`` prints ``{"seconds": …, "megabytes": …}``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import keyring

from desktop.services import joining
from tests.support.memory_keyring import MemoryKeyring

_PEAK = Path("/proc/self/status")


def peak() -> float:
    """The most memory that this process ever had, in megabytes.

    On Linux not ``ru_maxrss``, which remembers the process that started this one, too.
    """
    if _PEAK.exists():
        lines = dict(line.split(":", 1) for line in _PEAK.read_text("utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    per_megabyte = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_megabyte


def main() -> None:
    file, folder = map(Path, sys.argv[1:])
    keyring.set_keyring(MemoryKeyring())
    started = time.perf_counter()
    joining.join(file, folder)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "megabytes": peak()}))


if __name__ == "__main__":
    main()
