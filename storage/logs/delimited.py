"""CSV files into a Parquet file of ours: types checked, bad lines quarantined with their true line numbers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from storage.errors import SourceError
from storage.logs.dialect import Dialect, sniff
from storage.logs.engine import file_text, in_words
from storage.logs.files import BLOCK, Scan, open_text
from storage.logs.lines import torn_lines
from storage.logs.quoting import sql_text as text
from storage.logs.types import MARKERS, TOLERATED, Guess, guess_types
from storage.records.logs import Reject

SAMPLE_ROWS = 5_000
MOST_REPAIRS = 20
_REASONS = {
    "MISSING COLUMNS": "too few cells",
    "TOO MANY COLUMNS": "too many cells",
    "UNQUOTED VALUE": "a quote is not closed, or text follows a closing quote",
    "INVALID ENCODING": "not UTF-8",
    "LINE SIZE OVER MAXIMUM": "the line is too long",
}
_REJECTS = """
select line_byte_position, column_name, error_type, csv_line, error_message
from reject_errors order by line_byte_position, column_idx
"""


@dataclass(frozen=True, slots=True)
class Staged:
    """A text file turned into Parquet at ``path``; ``retyped`` says per column why it is text after all.

    ``rejected`` counts all quarantined lines, of which ``rejects`` may be the first.
    """

    path: str
    rows: int
    rejects: tuple[Reject, ...]
    types: dict[str, str]
    retyped: dict[str, str]
    rejected: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A CSV file ready to be read: ``source`` is the file, or a copy without its ``torn`` lines; types are guessed."""

    found: Scan
    source: str
    torn: dict[int, Reject]
    dialect: Dialect
    guess: Guess


def prepare_csv(con: duckdb.DuckDBPyConnection, found: Scan, copy_to: str) -> Prepared:
    """Dialect and types of a CSV file, from its beginning; what DuckDB would stumble over goes to a copy first."""
    dialect = sniff(found.path, found.head, len(found.head) < BLOCK)
    torn: dict[int, Reject] = {}
    source = found.path
    with in_words(found.path):
        if found.quoted:
            lost = torn_lines(found.path, found.packed)
            torn = {line: Reject(found.path, line, "a quote is not closed", begun) for line, begun in lost.items()}
        if torn or found.mixed_ends:
            source = _clean_copy(found, copy_to, torn)
        reader = _reader(source, dialect, dict.fromkeys(dialect.names, "VARCHAR"), ("",))
        guess = guess_types(con, f"(select * from {reader} limit {SAMPLE_ROWS})", dialect.names)
        _forget(con)
    return Prepared(found, source, torn, dialect, guess)


def stage_csv(
    con: duckdb.DuckDBPyConnection, ready: Prepared, agreed: Guess, to: str, forced: Iterable[str] = ()
) -> Staged:
    """Write the rows of a CSV file to Parquet at ``to``.

    ``agreed`` are the types over all files; ``forced`` columns keep theirs whatever is rejected.

    Raises:
        SourceError: more than one line in a hundred is not UTF-8, or the file can't be read as a table at all.
    """
    found, dialect, source, unclosed = ready.found, ready.dialect, ready.source, dict(ready.torn)
    types = {column: agreed.types[column] for column in dialect.names}
    markers, retyped, kept = set(agreed.markers), dict[str, str](), set(forced)
    for _ in range(MOST_REPAIRS):
        rows, raw = _attempt(con, source, found.path, dialect, types, tuple(sorted(markers)), to)
        total = rows + len({position for position, *_ in raw})
        failed = Counter(column for _, column, kind, *_ in raw if kind == "CAST")
        seen = {_cell(message) for *_, kind, _, message in raw if kind == "CAST"} & set(MARKERS) - markers
        wrong = {c: n for c, n in failed.items() if n > TOLERATED * total and c not in kept}
        broader = {c for _, c, kind, _, message in raw if types.get(c) == "BIGINT" and _is_number(_cell(message))}
        if seen or broader:
            markers |= seen
            types.update(dict.fromkeys(broader, "DOUBLE"))
        elif wrong:
            for column, n in wrong.items():
                retyped[column] = f"{n:,} of {total:,} cells are not {types[column]}"
                types[column] = "VARCHAR"
        else:
            rejects = _with_lines(found, source, raw)
            swallowing = {at for at, (*_, line, _m) in enumerate(raw) if "\n" in line.strip()}
            torn = {rejects[at].line: rejects[at] for at in swallowing if raw[at][2] == "UNQUOTED VALUE"}
            if not torn or torn.keys() <= unclosed.keys():
                break
            unclosed[min(torn)] = torn[min(torn)]
            source = _clean_copy(found, to + ".txt", unclosed)
    else:
        rejects = _with_lines(found, source, raw)
    merged = {reject.line: reject for reject in reversed(rejects)} | unclosed
    foreign = sum(r.reason == _REASONS["INVALID ENCODING"] for r in merged.values())
    if foreign > max(1, TOLERATED * (rows + len(merged))):
        line = min(r.line for r in merged.values() if r.reason == _REASONS["INVALID ENCODING"])
        raise SourceError(
            f"{found.path}, line {line}: not UTF-8; the encoding seems to be latin-1 (or Windows-1252)",
            "convert it first: iconv -f WINDOWS-1252 -t UTF-8",
        )
    if source != found.path:
        os.unlink(source)
    return Staged(to, rows, tuple(merged[line] for line in sorted(merged)), types, retyped, len(merged))


def _reader(
    path: str, dialect: Dialect, types: Mapping[str, str], markers: tuple[str, ...], strict: bool = True
) -> str:
    """The read_csv call; nothing in it is left to DuckDB's own guess."""
    columns = ", ".join(f"{text(column)}: {text(kind)}" for column, kind in types.items())
    nulls = ", ".join(text(marker) for marker in markers)
    packed = "gzip" if _is_gzip(path) else "none"
    return (
        f"read_csv({file_text(path)}, auto_detect=false, header=false, skip={dialect.data_line - 1}, "
        f"delim={text(dialect.separator)}, quote='\"', escape='\"', columns={{{columns}}}, nullstr=[{nulls}], "
        f"allow_quoted_nulls=false, store_rejects=true, strict_mode={str(strict).lower()}, compression='{packed}', "
        f"parallel=false)"
    )


def _is_gzip(path: str) -> bool:
    with open(path, "rb") as raw:
        return raw.read(2) == b"\x1f\x8b"


def _attempt(
    con: duckdb.DuckDBPyConnection,
    source: str,
    path: str,
    dialect: Dialect,
    types: Mapping[str, str],
    markers: tuple[str, ...],
    to: str,
) -> tuple[int, list[tuple[int, str, str, str, str]]]:
    """Rows written, and what DuckDB rejected."""
    with in_words(path):
        for strict in (True, False):
            _forget(con)
            try:
                copied = con.execute(
                    f"copy (select * from {_reader(source, dialect, types, markers, strict)}) "
                    f"to {text(to)} (format parquet, compression uncompressed, row_group_size 40960)"
                ).fetchone()
                break
            except duckdb.InvalidInputException:
                if not strict:
                    raise
        raw = con.execute(_REJECTS).fetchall()
        _forget(con)
    return int(copied[0]) if copied else 0, raw


def _forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop DuckDB's tables of rejects, which otherwise grow from scan to scan."""
    con.execute("drop table if exists reject_errors")
    con.execute("drop table if exists reject_scans")


def _cell(message: str) -> str:
    """The cell that an error of a cast speaks of."""
    return message.partition('Could not convert string "')[2].rpartition('" to ')[0]


def _is_number(cell: str) -> bool:
    """Whether a cell that is no integer is a number still."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _with_lines(found: Scan, source: str, raw: list[tuple[int, str, str, str, str]]) -> list[Reject]:
    """Rejects with line numbers counted by ourselves: DuckDB counts records, not lines."""
    lines = _lines_at(source, found.packed and source == found.path, [position for position, *_ in raw])
    rejects = []
    for line, (_, column, kind, content, message) in zip(lines, raw, strict=True):
        body = content.lstrip("\r\n")
        skipped = content[: len(content) - len(body)].count("\n")
        reason = _REASONS.get(kind, kind.lower())
        if kind == "CAST":
            wanted = message.rpartition(" to '")[2].rstrip("'")
            reason = f"{column}: {_cell(message)[:80]!r} is not {wanted}"
        rejects.append(Reject(found.path, line + skipped, reason, body.rstrip("\r\n")[:500]))
    return rejects


def _lines_at(path: str, packed: bool, positions: list[int]) -> list[int]:
    """Line number (from 1) at each byte position (from 1, ascending): one pass over the file."""
    if not positions:
        return []
    lines, at, line, done = [], 0, 1, 0
    with open_text(path, packed) as raw:
        while done < len(positions) and (block := raw.read(BLOCK)):
            used = 0
            while done < len(positions) and positions[done] - 1 <= at + len(block):
                here = max(positions[done] - 1 - at, used)
                line += block.count(b"\n", used, here)
                used = here
                lines.append(line)
                done += 1
            line += block.count(b"\n", used)
            at += len(block)
    return lines + [line] * (len(positions) - done)


def _clean_copy(found: Scan, to: str, blank: Iterable[int]) -> str:
    """A copy with one kind of line end, the ``blank`` lines emptied; line numbers stay as they are.

    A carriage return inside a line becomes a space, unless the file ends its lines by carriage returns alone.
    """
    emptied = set(blank)
    bare = b"\n" if b"\n" not in found.head else b" "
    with in_words(found.path), open_text(found.path, found.packed) as raw, open(to, "wb") as out:
        for number, line in enumerate(raw, start=1):
            out.write(b"\n" if number in emptied else line.replace(b"\r\n", b"\n").replace(b"\r", bare))
    return to
