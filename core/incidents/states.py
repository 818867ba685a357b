"""The states of an incident and the ways between them."""

from __future__ import annotations

import difflib

from storage.errors import RefusedError, UsageError
from storage.records.incidents import SEVERITIES, STATES, Severity, State

WAYS: dict[State, tuple[State, ...]] = {
    "triage": ("open", "mitigated", "duplicate", "false alarm"),
    "open": ("mitigated", "resolved", "duplicate", "false alarm"),
    "mitigated": ("open", "resolved", "duplicate", "false alarm"),
    "resolved": ("open", "reviewed"),
    "reviewed": ("open",),
    "duplicate": ("open",),
    "false alarm": ("open",),
}
"""From every way out one can come back to ``open``: closing was a judgement, and judgements are revised."""


def parse_state(text: str) -> State:
    """The state of that name; a hyphen or underscore counts as a space.

    Raises:
        UsageError: no such state.

    >>> parse_state("false-alarm")
    'false alarm'
    """
    word = text.strip().lower().replace("-", " ").replace("_", " ")
    if word not in STATES:
        raise UsageError(f"there is no state {text!r}", _nearest(word, STATES))
    return word


def parse_severity(text: str) -> Severity:
    """The severity of that name.

    Raises:
        UsageError: no such severity.

    >>> parse_severity("2"), parse_severity("sev1")
    ('SEV2', 'SEV1')
    """
    word = f"SEV{text.strip().upper().removeprefix('SEV')}"
    if word not in SEVERITIES:
        raise UsageError(f"there is no severity {text!r}", f"one of {', '.join(SEVERITIES)}, the first being the worst")
    return word


def require_way(key: str, now_in: State, to: State) -> None:
    """Refuse a step that is none.

    Raises:
        RefusedError: it can't be taken from there; the hint lists the steps that can.
    """
    if to in WAYS[now_in]:
        return
    if to == now_in:
        raise RefusedError(f"{key} is {now_in} already", "nothing to do")
    raise RefusedError(f"{key} is {now_in}: it can't become {to} from there", f"from there: {', '.join(WAYS[now_in])}")


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
