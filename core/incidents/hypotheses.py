"""Hypotheses: what it might be, and the facts that speak for and against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.incidents.ledger import in_force
from core.incidents.taxonomy import CHEAPEST_FIRST, TESTS
from storage.records.incidents import IncidentEvent

Standing = Literal["supported", "refuted", "open"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that speaks for or against a hypothesis; ``reference`` is its row as ``table:id``, None for words."""

    id: int
    supports: bool
    text: str
    reference: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A guess under test; ``cause`` is ``layer/category`` where its author named one."""

    id: int
    text: str
    cause: str | None
    by: str
    at: datetime
    evidence: tuple[Evidence, ...]

    @property
    def standing(self) -> Standing:
        """Derived: evidence on one side decides; none, or evidence on both sides, leaves it open."""
        sides = {e.supports for e in self.evidence}
        return "open" if len(sides) != 1 else ("supported" if True in sides else "refuted")

    @property
    def words(self) -> str:
        """The standing, with the counts it rests on."""
        for_it = sum(e.supports for e in self.evidence)
        return f"{self.standing} ({for_it} for, {len(self.evidence) - for_it} against)"


@dataclass(frozen=True, slots=True)
class NextTest:
    """The cheapest test that would move a hypothesis: what to look at, and by which command."""

    hypothesis_id: int
    what: str
    command: str


def hypotheses(events: Sequence[IncidentEvent]) -> list[Hypothesis]:
    """The hypotheses of an incident, in order of writing, each with its evidence."""
    held = in_force(events)
    return [
        Hypothesis(
            e.id,
            e.body or "",
            e.value,
            e.by,
            e.at,
            tuple(
                Evidence(
                    p.id,
                    p.kind == "supports",
                    p.body or "",
                    f"{p.ref_kind}:{p.ref_id}" if p.ref_kind else None,
                    p.by,
                    p.at,
                )
                for p in held
                if p.kind in ("supports", "refutes") and p.hypothesis_id == e.id
            ),
        )
        for e in held
        if e.kind == "hypothesis"
    ]


def next_test(found: Sequence[Hypothesis], model: str | None) -> NextTest | None:
    """The cheapest test among the hypotheses still open; None when none is open or none names a cause."""
    still_open = [h for h in found if h.standing == "open" and h.cause]
    if not still_open:
        return None
    chosen = min(still_open, key=lambda h: (CHEAPEST_FIRST.index(_category(h)), h.id))
    what, command = TESTS[_category(chosen)]
    return NextTest(chosen.id, what, command.replace("MODEL", model or "MODEL"))


def _category(hypothesis: Hypothesis) -> str:
    return (hypothesis.cause or "/none").split("/")[1]
