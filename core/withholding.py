"""Values of redacted columns are left out before anything is stored or shown; who needs them looks into the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from storage.records.logs import Reject
from storage.records.results import Finding

MASK = "[redacted]"
_KEPT = frozenset({"cause", "columns", "explained_by", "judged", "response", "rows", "sample"})
"""Evidence that holds no cell: ``sample`` is masked where it is made."""

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?(?![\w.])(?!\s*(%|rows?\b|of\b))")
_QUOTED = re.compile(r"'([^']*)'")


def withheld(findings: Iterable[Finding], redact: Sequence[str]) -> tuple[Finding, ...]:
    """Findings without a value of a redacted column in message, slice or evidence; counts and shares stay."""
    hidden = frozenset(redact)
    return tuple(_withheld(f, hidden) if _concerns(f, hidden) else f for f in findings) if hidden else tuple(findings)


def without_lines(rejects: Iterable[Reject], columns: Sequence[str], redact: Sequence[str]) -> tuple[Reject, ...]:
    """Quarantined lines without their text, when a column is redacted: in a broken line any cell may be the secret.

    File, line and the kind of reason stay, which find the line again.

    >>> without_lines([Reject("a.csv", 3, "age: 'ada@x.org' is not BIGINT", "1,ada@x.org")], ["age"], ["mail"])
    (Reject(path='a.csv', line=3, reason='age: a cell is not BIGINT', text=''),)
    """
    if not redact:
        return tuple(rejects)
    return tuple(replace(r, reason=_kind(r.reason, columns), text="") for r in rejects)


def _concerns(finding: Finding, hidden: frozenset[str]) -> bool:
    named = {finding.column, *(str(c) for c in finding.evidence.get("columns") or ())}
    return bool(named & hidden) or (finding.slice is not None and finding.slice.partition("=")[0] in hidden)


def _withheld(finding: Finding, hidden: frozenset[str]) -> Finding:
    columns = {finding.column, *(finding.evidence.get("columns") or ())}
    message = _QUOTED.sub(lambda m: m[0] if m[1] in columns else f"'{MASK}'", finding.message)
    place, _, _ = (finding.slice or "").partition("=")
    return replace(
        finding,
        message=_NUMBER.sub(MASK, message),
        slice=f"{place}={MASK}" if place in hidden else finding.slice,
        value=None if finding.column in hidden else finding.value,
        threshold=None if finding.column in hidden else finding.threshold,
        evidence={key: value for key, value in finding.evidence.items() if key in _KEPT},
    )


def _kind(reason: str, columns: Sequence[str]) -> str:
    """The reason without the cell that it quotes."""
    column = next((c for c in sorted(columns, key=len, reverse=True) if reason.startswith(f"{c}: ")), None)
    wanted = reason.rpartition(" is not ")[2]
    return reason if column is None else f"{column}: a cell is not {wanted}"
