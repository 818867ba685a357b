"""The lines of a JSON lines file, some megabytes at once, and those of them that are no rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from storage.logs.files import Scan, open_text
from storage.logs.types import Guess
from storage.records.logs import Reject

PIECE = 8 << 20
MOST_REJECTS = 10_000


@dataclass(slots=True)
class OpenedLines:
    """A JSON lines file taken apart.

    Attributes:
        relation: where the cells lie, as texts or as numbers, each row with its ``__line``.
        numbers: columns that ``relation`` holds as numbers.
        rejects: lines that are no rows, the first 10,000; ``rejected`` counts all.
        guess: what the cells are.
    """

    found: Scan
    relation: str = ""
    numbers: set[str] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)
    rejected: int = 0
    guess: Guess = field(default_factory=lambda: Guess({}, ("",)))

    def reject(self, line: int, content: str) -> None:
        """Count a line that is no row."""
        self.rejected += 1
        if len(self.rejects) < MOST_REJECTS:
            self.rejects.append(Reject(self.found.path, line, _why(content), content.rstrip("\r")[:500]))


def pieces(found: Scan) -> Iterator[tuple[int, bytes]]:
    """Whole lines of the file, some megabytes at once, without the last line end; with the number of the first."""
    first, rest = 1, b""
    with open_text(found.path, found.packed) as raw:
        while True:
            block = raw.read(PIECE)
            last = len(block) < PIECE
            data = rest + block
            end = len(data) if last else data.rfind(b"\n")
            if end >= 0 and data:
                piece, rest = data[:end], data[end + 1 :]
                yield first, piece.removeprefix(b"\xef\xbb\xbf") if first == 1 else piece
                first += piece.count(b"\n") + 1
            else:
                rest = data
            if last:
                return


def _why(line: str) -> str:
    """Why a line is no row."""
    if line.startswith("not UTF-8: "):
        return "not UTF-8"
    try:
        value = json.loads(line)
    except ValueError as error:
        return f"no valid JSON ({error.args[0]})" if len(line) < 500 else "no valid JSON"
    except RecursionError:
        return "JSON nested too deeply"
    if isinstance(value, dict):
        return "no valid JSON (not of the standard, like NaN)"
    return f"JSON, but {type(value).__name__} instead of an object"
