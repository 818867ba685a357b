"""Which process is at work, and whether it still lives: a pid alone may belong to another one by now."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path


def mark() -> dict[str, str]:
    """What identifies this process: host, boot, pid namespace, pid, start time in clock ticks."""
    return {**_place(), "pid": str(os.getpid()), "started": _started(os.getpid())}


def alive(marked: Mapping[str, str]) -> bool | None:
    """Whether the marked process still runs; None when that can't be told from here (another host or container).

    >>> alive(mark())
    True
    >>> alive({**mark(), "host": "elsewhere"}) is None
    True
    >>> alive({**mark(), "started": "1"})
    False
    """
    place = _place()
    if marked.get("host") != place["host"] or "pid" not in marked:
        return None
    if marked.get("boot") != place["boot"]:
        return False
    if marked.get("namespace") != place["namespace"]:
        return None
    pid = int(marked["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(pid) == marked.get("started")


def _place() -> dict[str, str]:
    return {"host": socket.gethostname(), "boot": _read("/proc/sys/kernel/random/boot_id"), "namespace": _namespace()}


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    # The name in parentheses may hold spaces; the 22nd field is counted from behind it. A zombie has ended.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
