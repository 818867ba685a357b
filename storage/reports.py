"""Writes a report: whole or not at all, readable by its owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from storage.errors import SourceError


def report_path(store: Path, name: str, option: str | None = None) -> Path:
    """Where a report goes: the path named, else ``reports/NAME`` beside the store.

    >>> report_path(Path("/srv/midwatch.db"), "INC-0042.md").as_posix()
    '/srv/reports/INC-0042.md'
    """
    return Path(option).expanduser() if option else store.parent / "reports" / name


def write_report(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` with mode 0600 by an atomic rename; an existing report is replaced.

    Raises:
        SourceError: it can't be written there.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, "is a directory")
        # mkstemp makes the file 0600; rename keeps that, whatever stood there before.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise SourceError(
            f"the report {path} can't be written: {error.strerror}", "name another with --output"
        ) from error
    return path
