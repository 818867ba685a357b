"""A column that the reference does not have."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed
from core.checks.renamed_column import renames
from core.checks.summary import answer
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """New columns are told in the digest: nothing breaks, but someone changed the schema."""
    old = {new: name for name, new in renames(context).items()}
    roles = context.roles
    known = {roles.time, roles.id, roles.prediction, roles.label, roles.version, roles.stage, *roles.ignore}
    found = []
    for name in context.current.columns:
        if name in context.reference.columns or name in known:
            continue
        message = f"the column {name!r} is new" + (f"; it looks like {old[name]!r}" if name in old else "")
        found.append(
            failed(
                context,
                CHECK,
                message,
                cause="rename" if name in old else "schema",
                ratio=1.2,
                column=name,
                tier="evidence" if name in old else None,
                rows=context.current.rows,
            )
        )
    return answer(CHECK, found, len(context.current.columns))


CHECK = Check(
    "extra_column", "soft", "digest", "a reference", "a new column means that someone changed the schema", run
)
