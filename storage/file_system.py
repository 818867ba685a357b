"""What kind of file system a path lies on, and how much room it has.

SQLite's locks are only as good as the file system's: on network homes they may be missing or slow.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "fuse.sshfs"}
)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The file system under a path: its type, mount point and free bytes."""

    kind: str
    mount: str
    free: int

    @property
    def network(self) -> bool:
        """Whether other hosts may write to it, past this host's locks."""
        return self.kind in NETWORK


def under(path: Path, mounts: str | None = None) -> FileSystem:
    """The file system that holds ``path`` (or its nearest existing parent).

    Args:
        path: need not exist.
        mounts: the text of ``/proc/self/mountinfo``; read from there by default, unknown where there is none.
    """
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    existing = existing.resolve()
    kind, mount = "unknown", "/"
    for line in (_mounts() if mounts is None else mounts).splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = fields[4].replace("\\040", " ")
        # Later lines cover earlier ones mounted at the same point.
        if (existing == Path(point) or Path(point) in existing.parents) and len(point) >= len(mount):
            kind, mount = after.split()[0], point
    return FileSystem(kind, mount, shutil.disk_usage(existing).free)


def _mounts() -> str:
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux: nothing is known, nothing is claimed
        return ""


def writable(path: Path) -> bool:
    """Whether this process may write to ``path``."""
    return os.access(path, os.W_OK)


def why_unwritable(path: Path) -> str:
    """Why nothing can be recorded in the store at ``path``, in words; empty when it can, or is not there yet."""
    try:
        if not path.exists():
            return ""
    except (OSError, ValueError):  # opening it says what is wrong
        return ""
    if not writable(path):
        return f"you may not write to {path}"
    if not writable(path.parent):
        return f"you may not write to the folder {path.parent}, where SQLite keeps its journal"
    return ""
