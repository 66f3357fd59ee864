"""What a process holds in memory, as the kernel counts it (Linux, /proc)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GB = 1e9


@dataclass(frozen=True, slots=True)
class Growth:
    """Gigabytes (1e9 bytes) that a process holds more than before: once it had answered, and at the most in between."""

    after: float
    peak: float


def resident(pid: int) -> int:
    """Bytes in memory now."""
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    """Let the peak start again from what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int) -> int:
    """The most bytes in memory since the process began, or since `forget_peak`."""
    return _status(pid, "VmHWM")


class Watch:
    """From when it is made until `growth()`: how much more a process holds."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        forget_peak(pid)
        self.before = resident(pid)

    def again(self) -> None:
        """Let the peak start again; growth stays what it is since the beginning."""
        forget_peak(self.pid)

    def growth(self) -> Growth:
        return Growth((resident(self.pid) - self.before) / GB, (peak(self.pid) - self.before) / GB)


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/status has no {field}")
