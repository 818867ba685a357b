"""The line on which a record of a CSV file begins."""

from __future__ import annotations

from collections.abc import Iterable

from storage.logs.files import open_text


def record_lines(path: str, rows: Iterable[int], rejected: set[int]) -> dict[int, int]:
    """Line (from 1) of each wanted row (from 0) of the rows that were read.

    A record runs on while its quotes are open; the header, blank lines and ``rejected`` records are no rows.
    """
    wanted = set(rows)
    found: dict[int, int] = {}
    row, start, quotes = -1, 0, 0
    header = False
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with open_text(path, packed) as text:
        for number, line in enumerate(text, start=1):
            if not start:
                if not line.strip(b"\r\n"):
                    continue
                start, quotes = number, 0
            quotes += line.count(b'"')
            if quotes % 2 and start not in rejected:
                continue
            if not header:
                header = True
            elif start not in rejected:
                row += 1
                if row in wanted:
                    found[row] = start
                    if len(found) == len(wanted):
                        break
            start = 0
    return found
