"""The rows behind findings: exact counts, a bounded and redacted sample, and the command that prints the rest."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storage.logs.quoting import sql_text
from storage.records.logs import LogFile, LogRow, Roles
from storage.records.results import Finding

if TYPE_CHECKING:
    from storage.logs.source import LogSource

FINDINGS = 10
ROWS = 5
CELL = 200
REDACTED = "[redacted]"
_READERS = {"csv": "read_csv", "jsonl": "read_json", "parquet": "read_parquet"}


def with_rows(
    findings: Sequence[Finding], source: LogSource, roles: Roles, *, limit: int = ROWS, within: str = "true"
) -> tuple[Finding, ...]:
    """Pages and tickets with ``rows`` counted exactly, ``sample`` (path, line, values) and ``command`` for the rest.

    Only the first ``FINDINGS`` that name their rows are looked up; values of redacted columns never leave the log.

    Args:
        within: the condition of the rows that ``source`` holds of its files.
    """
    told, left = [], FINDINGS
    columns = {column.name for column in source.columns}
    for finding in findings:
        sql = finding.evidence.get("rows_sql")
        named = finding.column is None or finding.column in columns
        if sql is None or finding.tier not in ("page", "ticket") or not left or not named:
            told.append(finding)
            continue
        left -= 1
        total, rows = source.rows_where(sql, limit=limit)
        evidence: dict[str, Any] = {
            **finding.evidence,
            "rows": total,
            "sample": [_shown(row, finding, roles) for row in rows],
            "command": command(source.files, sql, within),
        }
        told.append(replace(finding, evidence=evidence))
    return tuple(told)


def command(files: Sequence[LogFile], sql: str, within: str = "true") -> str:
    """A shell command that prints every row of ``files`` that matches ``sql``, with DuckDB's own program."""
    parts = []
    for kind in sorted({file.format for file in files}):
        listed = ", ".join(sql_text(f.path) for f in files if f.format == kind)
        parts.append(f"SELECT * FROM {_READERS[kind]}([{listed}])")
    every = " UNION ALL BY NAME ".join(parts)
    every = every if within == "true" else f"SELECT * FROM ({every}) WHERE {within}"
    query = f"WITH log AS ({every}) SELECT * FROM log WHERE {sql}"
    return f"duckdb -c {shlex.quote(query)}"


def _shown(row: LogRow, finding: Finding, roles: Roles) -> dict[str, Any]:
    """File, line and cells: the accused columns, the id and the time, cut to ``CELL`` characters."""
    wanted = [*finding.evidence.get("columns", ()), roles.id, roles.time]
    values = {
        name: REDACTED if name in roles.redact else _cell(row.values[name])
        for name in dict.fromkeys(wanted)
        if name is not None and name in row.values
    }
    return {"path": row.path, "line": row.line, "values": values}


def _cell(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:CELL]
