"""What a process had in memory."""

from __future__ import annotations

from pathlib import Path


def most_memory() -> float:
    """The most that this process ever had in memory, in MB.

    (The kernel's ``ru_maxrss`` begins with what the parent had when it made this one.)
    """
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("the system does not say")
