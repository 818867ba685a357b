"""How a CSV file is written: separator, header, and whether the header can be believed."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from storage.errors import SourceError

MAX_COLUMNS = 5000
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?)\s*")
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d.*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Separator of a CSV file, the names of its columns, and where the header ends.

    ``data_line`` is the line (from 1) on which the records begin.
    """

    separator: str
    names: tuple[str, ...]
    data_line: int


def sniff(path: str, head: bytes, whole: bool) -> Dialect:
    """Read the dialect from the beginning of a file.

    Args:
        path: for messages.
        head: the first bytes, UTF-8.
        whole: whether ``head`` is the whole file (else its last line is cut off and not looked at).

    Raises:
        SourceError: lines above the header, no header, a header that is shifted against the rows, too many columns.
    """
    text = head.decode("utf-8-sig", "replace")
    if not whole and "\n" in text:
        text = text[: text.rfind("\n") + 1]
    separator = _separator(text[:200_000])
    records = _records(text, separator)
    if not records:
        raise SourceError(f"{path} holds blank lines only", "nothing was written")
    widths = [len(cells) for _, cells in records[1:]]
    usual = max(set(widths), key=lambda width: (widths.count(width), width)) if widths else len(records[0][1])
    line, header = records[0]
    if len(header) > MAX_COLUMNS:
        raise SourceError(f"{path}, line {line}: {len(header):,} columns", f"at most {MAX_COLUMNS:,} can be read")
    _check_header(path, records, usual)
    return Dialect(separator, _unique(header), records[1][0] if len(records) > 1 else line + 1)


def _separator(text: str) -> str:
    """Of comma, semicolon, tab and bar the one that cuts most lines into the same number (over 1) of cells."""
    best, found = 0.0, ","
    for candidate in ",;\t|":
        widths = [len(cells) for _, cells in _records(text, candidate)[:200]]
        usual = max(set(widths), key=widths.count) if widths else 1
        agreed = widths.count(usual) / max(len(widths), 1) if usual > 1 else 0.0
        if agreed > best + 1e-9:
            best, found = agreed, candidate
    return found


def _records(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Up to 1,000 records that are not blank, each with the line on which it begins."""
    records: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    line = 1
    try:
        for cells in reader:
            if cells and (len(cells) > 1 or cells[0].strip()):
                records.append((line, cells))
            line = reader.line_num + 1
            if len(records) >= 1000:
                break
    except csv.Error:  # a cell over the limit of the csv module: what was read so far decides
        return records
    return records


def _check_header(path: str, records: list[tuple[int, list[str]]], usual: int) -> None:
    """Refuse a first record that can't be the header of the others (G20), naming the line that could be."""
    line, header = records[0]
    if len(header) != usual and len(records) > 2:
        for offset, (at, cells) in enumerate(records[1:20], start=1):
            if len(cells) == usual and _like_header(cells, [row for _, row in records[offset + 1 :]]):
                raise SourceError(
                    f"{path}, line {line}: {len(header)} cells, but the rows have {usual}; "
                    f"the header seems to be on line {at}",
                    f"remove what is above it (tail -n +{at})",
                )
        raise SourceError(
            f"{path}, line {line}: the header has {len(header)} names, but the rows have {usual} cells",
            "the header is shifted or cut; write it again",
        )
    valued = sum(bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell)) for cell in header)
    if valued:
        for at, cells in records[1:20]:
            rest = [row for row_line, row in records if row_line > at]
            if len(cells) == len(header) and rest and _like_header(cells, rest):
                raise SourceError(
                    f"{path}, line {line}: holds values, and the header seems to be on line {at}",
                    f"remove what is above it (tail -n +{at})",
                )
    if _all_values(header, [cells for _, cells in records[1:]]):
        raise SourceError(
            f"{path}, line {line}: {valued} of {len(header)} names are numbers or dates: no header?",
            "write the names of the columns as the first line",
        )


def _all_values(header: list[str], rows: list[list[str]]) -> bool:
    """Whether the first record is a row: it holds a date or a decimal, or integers that do not count columns."""
    same = [row for row in rows[:50] if len(row) == len(header)]
    whole = []
    for place, cell in enumerate(header):
        for pattern in (_NUMBER, _DATE):
            below = sum(bool(pattern.fullmatch(row[place])) for row in same)
            if pattern.fullmatch(cell) and below >= len(same) / 2:
                if pattern is _DATE or "." in cell:
                    return True
                whole.append(cell)
    counting = len(set(whole)) == len(whole) and whole == sorted(whole, key=float)
    return bool(whole) and (not counting or (len(whole) == len(header) and len(header) < 3))


def _like_header(cells: list[str], rows: list[list[str]]) -> bool:
    """Names only (distinct texts, no numbers), above rows with at least one number or date where it has a name."""
    if len(set(cells)) < len(cells) or any(not c.strip() or _NUMBER.fullmatch(c) or _DATE.fullmatch(c) for c in cells):
        return False
    same = [row for row in rows[:50] if len(row) == len(cells)]
    return any(
        sum(bool(_NUMBER.fullmatch(row[i]) or _DATE.fullmatch(row[i])) for row in same) > len(same) / 2
        for i in range(len(cells))
    )


def _unique(header: list[str]) -> tuple[str, ...]:
    """Names without two alike (DuckDB does not tell cases apart); a nameless column is named after its place.

    >>> _unique(["a", "A", ""])
    ('a', 'A_2', 'column3')
    """
    seen: set[str] = set()
    names = []
    for place, cell in enumerate(header, start=1):
        name = cell.strip() or f"column{place}"
        base, again = name, 2
        while name.casefold() in seen:
            name, again = f"{base}_{again}", again + 1
        seen.add(name.casefold())
        names.append(name)
    return tuple(names)
