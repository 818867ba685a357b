"""Rows with known answers, replayed in every batch: the one check that sees rows joined to the wrong features."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, not_checked, passed
from core.checks.beside import GoldenAnswer
from storage.logs.quoting import sql_name, sql_text
from storage.records.results import Finding

TOLERANCE = 1e-4
"""How far a score may be from the known one, relative to it where it is larger than one."""


def run(context: CheckContext) -> list[Finding]:
    """One finding for features that changed, one for scores that changed while the features stayed."""
    golden = context.beside.golden
    if not golden:
        return [not_checked(CHECK, context.beside.reasons.get(CHECK.name, "no golden set is frozen"))]
    other = [row for row in golden if row.differing]
    scored = [row for row in golden if not row.differing and not close(row)]
    found = []
    if other:
        columns = tuple(_most_often(other))
        message = (
            f"{len(other)} of {len(golden)} golden rows have other features than when they were frozen: "
            f"{', '.join(map(repr, columns[:4]))}; rows and features do not belong together"
        )
        found.append(_failed(context, message, other, columns, "wrong rows", len(other) / len(golden)))
    if scored:
        name = context.roles.prediction or ""
        message = (
            f"{len(scored)} of {len(golden)} golden rows have their features and another score, as "
            f"{scored[0].expected:g} -> {'none' if scored[0].told is None else f'{scored[0].told:g}'}: another model "
            "answers than when they were frozen"
        )
        found.append(_failed(context, message, scored, (name,), "golden score", len(scored) / len(golden)))
    fine = len(golden) - len(other) - len(scored)
    return [*found, passed(CHECK, f"{fine} of {len(golden)} golden rows as they were", fine)] if fine else found


def close(row: GoldenAnswer) -> bool:
    """Whether a row came back with its score."""
    return row.told is not None and abs(row.told - row.expected) <= TOLERANCE * max(1.0, abs(row.expected))


def _failed(
    context: CheckContext, message: str, rows: list[GoldenAnswer], columns: tuple[str, ...], cause: str, share: float
) -> Finding:
    key = context.roles.id
    ids = ", ".join(sql_text(row.id) for row in rows[:50] if row.present)
    return failed(
        context,
        CHECK,
        message,
        cause=cause,
        ratio=20.0 * share if cause == "wrong rows" else 1.0,
        column=columns[0] or None,
        columns=tuple(column for column in columns if column),
        value=share,
        threshold=0.0,
        tier="ticket" if cause == "wrong rows" else "digest",
        rows=len(rows),
        rows_sql=f"CAST({sql_name(key)} AS VARCHAR) IN ({ids})" if key and ids else None,
        ids=[row.id for row in rows[:20]],
        sets=sorted({row.set_name for row in rows}),
    )


def _most_often(rows: list[GoldenAnswer]) -> list[str]:
    counts: dict[str, int] = {}
    for row in rows:
        for column in row.differing:
            counts[column] = counts.get(column, 0) + 1
    return sorted(counts, key=lambda column: (-counts[column], column))


CHECK = Check(
    "golden_rows",
    "hard",
    "ticket",
    "a frozen golden set whose rows come back in the log, or a scorer",
    "rows joined to the wrong features leave every column as it was; a row whose answer is known tells",
    run,
    "put the feature join back; do not train on these rows",
)
