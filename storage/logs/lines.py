"""Records of a CSV file and the lines on which they begin, where quotes let a record run over several lines."""

from __future__ import annotations

from collections.abc import Iterable

from storage.logs.files import open_text

LONGEST_RECORD = 100


def record_lines(path: str, rows: Iterable[int], rejected: set[int], *, single: bool = False) -> dict[int, int]:
    """Line (from 1) of each wanted row (from 0) of the rows that were read.

    A record runs on while its quotes are open; the header, blank lines and ``rejected`` records are no rows. With a
    ``single`` column a blank line below the header is a row without a value.
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
                if not line.strip(b"\r\n") and not (single and header and number not in rejected):
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


def torn_lines(path: str, packed: bool) -> dict[int, str]:
    """Lines that open a quote which no line within the next ``LONGEST_RECORD`` closes, with their beginning.

    Read as CSV, such a line swallows all that follows it.
    """
    torn: dict[int, str] = {}
    opened: list[tuple[int, bytes]] = []  # the lines since the quote was opened, the opening one first
    with open_text(path, packed) as text:
        lines = enumerate(text, start=1)
        waiting: list[tuple[int, bytes]] = []
        while True:
            number, line = waiting.pop(0) if waiting else next(lines, (0, b""))
            ended = not number
            if not ended:
                odd = line.count(b'"') % 2 == 1
                if opened:
                    opened.append((number, line))
                    if odd:
                        opened = []
                elif odd:
                    opened = [(number, line)]
            if opened and (ended or len(opened) > LONGEST_RECORD):
                first, content = opened[0]
                torn[first] = content[:500].decode("utf-8", "replace").rstrip("\r\n")
                waiting = opened[1:] + waiting
                opened = []
            elif ended:
                return torn
