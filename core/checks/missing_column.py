"""A column of the reference that the batch does not have."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed
from core.checks.renamed_column import renames
from core.checks.summary import answer
from storage.records.results import Finding, Tier


def run(context: CheckContext) -> list[Finding]:
    """A missing feature or prediction pages, a missing version or stage is a ticket.

    Labels come late as a rule: a batch without them is in order, and what can't be judged of it yet is said.
    """
    renamed = renames(context)
    wanted = [n for n in context.reference.columns if n not in context.roles.ignore]
    found, late = [], []
    for name in wanted:
        if name in context.current.columns:
            continue
        kind = context.traits[name].kind
        new = renamed.get(name)
        if kind == "label" and new is None:
            late.append(f"the label {name!r} is not there yet: labels may come later")
            continue
        tier: Tier = "page" if kind not in ("label", "marker") else "ticket"
        message = f"the column {name!r} is missing" + (f"; {new!r} looks like it" if new else "")
        found.append(
            failed(
                context,
                CHECK,
                message,
                cause="rename" if new else "schema",
                ratio=20.0 if kind != "label" else 1.5,
                column=name,
                columns=(name, new) if new else (name,),
                value=0.0,
                threshold=1.0,
                tier="evidence" if new else tier,
                rows=context.current.rows,
            )
        )
    return answer(CHECK, found, len(wanted) - len(late), late)


CHECK = Check(
    "missing_column",
    "hard",
    "page",
    "a reference",
    "a model that asks for a column that is not there fails or fills it in silently",
    run,
)
