"""The only writer to stdout: data, and nothing else there. With ``--json`` exactly one document a call."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from storage.clock import to_text


def document(value: Any) -> None:
    """Write one JSON document (``--json``)."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    text = json.dumps(plain(value), ensure_ascii=not unicode, indent=2, allow_nan=False)
    _write(text.encode("utf-8", "backslashreplace").decode() + "\n")  # a lone surrogate becomes JSON's own \udcXX


def text(value: str) -> None:
    """Write text for a person, control characters made visible."""
    _write(visible(value) + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "nothing") -> None:
    """Write rows in aligned columns; ``empty`` is said when there are none."""
    if not rows:
        text(empty)
        return
    cells = [[one_line(str("-" if c is None else c)) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        _write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def plain(value: Any) -> Any:
    """A value as JSON knows it: records as objects, moments as UTC text, numbers that are none as null.

    >>> plain({"at": datetime.fromisoformat("2026-11-23T04:00:00+01:00"), "auc": float("nan")})
    {'at': '2026-11-23T03:00:00.000000Z', 'auc': None}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if value == value and value not in (float("inf"), float("-inf")) else None
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    return plain(value.item()) if hasattr(value, "item") else str(value)


def visible(value: str) -> str:
    r"""Text from outside with control characters made visible: a cell must not move the cursor or ring a bell.

    >>> visible("ok\x1b[2J")
    'ok\\x1b[2J'
    """
    return "".join(c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode() for c in value)


def one_line(value: str) -> str:
    r"""A name or path on one line, whatever it holds.

    >>> one_line("a\nb\x07")
    'a⏎b\\x07'
    """
    return visible(value.replace("\n", "⏎").replace("\t", "→"))


def abandon() -> None:
    """Nobody reads stdout any more: what is still to be flushed at the end goes nowhere, silently."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a test's stdout has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _write(value: str) -> None:
    if sys.stdout is None:  # started with a closed stdout
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(value.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # as in `| head -1`: the work goes on, and so does the exit code
        abandon()
