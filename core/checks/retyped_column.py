"""A column whose values are of another kind than before."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed
from core.checks.summary import answer
from storage.logs.quoting import sql_name
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """Numbers that became text, text that became times; 0 and 1 for true and false is no such change."""
    found = []
    pairs = [p for p in context.pairs() if p[1].rows > p[1].missing and p[2].rows > p[2].missing]
    for name, now, before in pairs:
        kinds = {now.kind, before.kind}
        if len(kinds) == 1 or kinds == {"number", "boolean"}:
            continue
        if "time" in kinds and context.traits[name].kind == "calendar" and name != context.roles.time:
            continue
        sql, rows = None, now.rows - now.missing
        if now.kind == "text" and before.kind == "number" and now.text is not None:
            rows -= now.text.numeric
            sql = f"{sql_name(name)} IS NOT NULL AND try_cast({sql_name(name)} AS DOUBLE) IS NULL"
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} was {before.kind} and is {now.kind} now ({rows:,} rows)",
                cause="schema",
                ratio=20.0,
                column=name,
                value=float(rows),
                threshold=0.0,
                rows=rows,
                rows_sql=sql,
                tier="page" if name == context.roles.prediction else None,
                kind=now.kind,
                was=before.kind,
                examples=None if name in context.roles.redact else _examples(now),
            )
        )
    return answer(CHECK, found, len(pairs))


def _examples(column: object) -> list[str]:
    text = getattr(column, "text", None)
    return [value for value, _ in text.values.top(5)] if text is not None else []


CHECK = Check(
    "retyped_column",
    "hard",
    "ticket",
    "values on both sides",
    "code that expects a number gets a text, or the reverse",
    run,
)
