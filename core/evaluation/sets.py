"""Evaluation sets: frozen versions of rows with their right answers; the same content has the same hash."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from core.evaluation.failure_cases import late_labels
from core.evaluation.items import canonical, hash_of, read, set_hash
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.evaluation_sets import PURPOSES, EvaluationSet, Item, Purpose
from storage.records.failure_cases import CaseFilter, FailureCase
from storage.records.models import Model
from storage.tables import audit, batches, evaluation_sets, failure_cases

Cases = Sequence[int] | Literal["open", "accepted", "none"]
"""Which failure cases go in: these, every one that was not rejected, the accepted ones, or none."""

MOST = 100_000
"""Items of a set, at the most."""


@dataclass(frozen=True, slots=True)
class SetDraft:
    """What would be frozen.

    Attributes:
        items: hash, canonical text and failure case of each, in order of the text.
        new, dropped: items that the version before does not have, and the other way round.
        left_out: cases that were asked for and have no right answer yet.
        unchanged: the content is that of the version before: nothing is frozen.
        found: right answers that came with late labels since the cases were taken, by case.
    """

    name: str
    version: int
    purpose: Purpose
    sha256: str
    items: tuple[tuple[str, str, int | None], ...]
    new: int
    dropped: int
    left_out: tuple[int, ...]
    before: EvaluationSet | None
    unchanged: bool
    found: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A set as it is in the store now; ``new`` is False when the version before has the very same content."""

    set: EvaluationSet
    new: bool
    added: int
    dropped: int
    left_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """Whether a set still is what was frozen: ``wrong`` says what is not, empty when all is."""

    set: EvaluationSet
    recomputed: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """A row whose score every version must repeat: ``features`` go to the scorer, ``score`` must come back."""

    id: str
    features: Mapping[str, Any]
    score: float
    set_name: str
    set_version: int


def draft(
    db: sqlite3.Connection,
    model: Model,
    name: str,
    *,
    purpose: Purpose | None = None,
    cases: Cases = "open",
    rows: Sequence[Item] = (),
    alone: bool = False,
) -> SetDraft:
    """What freezing would write: the version before, the failure cases and the rows given.

    A case whose right answer has changed replaces its former item; rejected ones and duplicates go.

    Args:
        purpose: of a new set ``failures`` by default; of a known one its own.
        alone: without the items of the version before.

    Raises:
        UsageError: no name, another purpose than before, or nothing to put in.
    """
    name = name.strip()
    if not name:
        raise UsageError("a set needs a name", "as in: midwatch sets freeze MODEL failures")
    before = evaluation_sets.find(db, model.id, name)
    wanted = purpose or (before.purpose if before else "failures")
    if wanted not in PURPOSES:
        raise UsageError(f"there is no purpose {wanted!r}", f"one of {', '.join(PURPOSES)}")
    if before is not None and wanted != before.purpose:
        raise UsageError(f"{name} is a set of purpose {before.purpose}, not {wanted}", "choose another name")
    chosen = _chosen(db, model, cases)
    found = _answers(db, model, [case for case in chosen if case.expected is None])
    chosen = [replace(case, expected=case.expected or found.get(case.id)) for case in chosen]
    left_out = tuple(case.id for case in chosen if case.expected is None)
    taken = {case.id: case for case in chosen if case.expected is not None}
    old = evaluation_sets.items(db, before.id) if before is not None else []
    kept = [] if alone else [read(text, case) for _, text, case in old if _stays(db, case, taken)]
    items = _with_own_ids([*kept, *(_item(case) for case in taken.values()), *rows])
    if not items:
        told = f"; {len(left_out)} cases have no right answer yet" if left_out else ""
        raise UsageError(f"there is nothing to freeze{told}", "take rows first: e, or midwatch cases add")
    if len(items) > MOST:
        raise UsageError(f"{len(items):,} items are too many", f"a set holds {MOST:,} at the most")
    told_items = {hash_of(text): (text, item.case_id) for item in items for text in [canonical(item)]}
    ordered = tuple((digest, text, case) for digest, (text, case) in sorted(told_items.items()))
    known = {digest for digest, _, _ in old}
    sha256 = set_hash(told_items)
    return SetDraft(
        name=name,
        version=before.version + 1 if before else 1,
        purpose=wanted,
        sha256=sha256,
        items=ordered,
        new=len(set(told_items) - known),
        dropped=len(known - set(told_items)),
        left_out=left_out,
        before=before,
        unchanged=before is not None and before.sha256 == sha256,
        found={case: answer for case, answer in found.items() if case in taken},
    )


def freeze(
    db: sqlite3.Connection,
    model: Model,
    name: str,
    *,
    purpose: Purpose | None = None,
    cases: Cases = "open",
    rows: Sequence[Item] = (),
    alone: bool = False,
    expect: str | None = None,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> Frozen:
    """Freeze a new version of a set; without new content the version before is the answer.

    Args:
        expect: the hash that a person was shown; refused when the content has changed meanwhile.

    Raises:
        UsageError: as :func:`draft`.
        RefusedError: another process froze this version, or the content is not what was shown.
    """
    planned = draft(db, model, name, purpose=purpose, cases=cases, rows=rows, alone=alone)
    if expect is not None and planned.sha256 != expect:
        raise RefusedError("the content has changed since it was shown", "look again, then freeze")
    if planned.unchanged and planned.before is not None:
        return Frozen(planned.before, False, 0, 0, planned.left_out)
    with transaction(db):
        newest = evaluation_sets.find(db, model.id, planned.name)
        if (newest.version if newest else 0) != planned.version - 1:
            raise RefusedError(f"{name} was frozen by another process just now", "look again, then freeze")
        for case_id, answer in planned.found.items():
            failure_cases.event(db, case_id, "expected", answer, by=actor.name, now=now, note="a late label")
        set_id = evaluation_sets.insert(
            db, model.id, planned.name, planned.version, planned.purpose, planned.sha256, planned.items,
            supersedes_id=planned.before.id if planned.before else None, note=note, by=actor.name, now=now,
        )  # fmt: skip
        after = {"model": model.name, "version": planned.version, "sha256": planned.sha256, "items": len(planned.items)}
        audit.record(db, "set.freeze", actor=actor, now=now, object_kind="set", object_id=planned.name, after=after)
    return Frozen(evaluation_sets.get_by_id(db, set_id), True, planned.new, planned.dropped, planned.left_out)


def items_of(db: sqlite3.Connection, found: EvaluationSet) -> list[Item]:
    """The items of a set, in order."""
    return [read(text, case) for _, text, case in evaluation_sets.items(db, found.id)]


def verify(db: sqlite3.Connection, found: EvaluationSet) -> SetVerdict:
    """Recompute every hash of a set from what is stored."""
    stored = evaluation_sets.items(db, found.id)
    wrong = [f"an item does not match its hash {digest[:12]}" for digest, text, _ in stored if _digest(text) != digest]
    recomputed = set_hash(_digest(text) for _, text, _ in stored)
    if len(stored) != found.items:
        wrong.append(f"{len(stored):,} items are there, {found.items:,} were frozen")
    if recomputed != found.sha256:
        wrong.append(f"its content has the hash {recomputed[:12]}, {found.sha256[:12]} was frozen")
    return SetVerdict(found, recomputed, tuple(wrong))


def golden_rows(db: sqlite3.Connection, model: Model) -> tuple[GoldenRow, ...]:
    """Every row of the newest version of each golden set of a model, by set and id."""
    return tuple(
        GoldenRow(item.id, item.payload, item.score, found.name, found.version)
        for found in evaluation_sets.listing(db, model.id, purpose="golden")
        for item in items_of(db, found)
        if item.score is not None
    )


def _chosen(db: sqlite3.Connection, model: Model, cases: Cases) -> list[FailureCase]:
    if cases == "none":
        return []
    if cases in ("open", "accepted"):
        found = failure_cases.page(db, CaseFilter(model.id), limit=-1)
        wanted = (None, "accepted") if cases == "open" else ("accepted",)
        return [case for case in found if case.verdict in wanted]
    picked = [failure_cases.get(db, int(case)) for case in cases]
    foreign = next((case for case in picked if case.model_id != model.id), None)
    if foreign is not None:
        raise UsageError(f"case {foreign.id} is of {foreign.model}, not of {model.name}", "one set, one model")
    return picked


def _answers(db: sqlite3.Connection, model: Model, cases: Sequence[FailureCase]) -> dict[int, str]:
    """Right answers that came with late labels since."""
    found: dict[int, str] = {}
    for batch_id in {case.batch_id for case in cases if case.batch_id is not None}:
        own = {case.row_id: case.id for case in cases if case.batch_id == batch_id and case.row_id is not None}
        told = late_labels(db, model, batches.get(db, batch_id), list(own))
        found.update({own[row]: answer for row, answer in told.items()})
    return found


def _stays(db: sqlite3.Connection, case_id: int | None, taken: Mapping[int, FailureCase]) -> bool:
    """Whether an item of the version before goes on: not when its case is taken anew, rejected or a duplicate."""
    if case_id is None:
        return True
    return case_id not in taken and failure_cases.get(db, case_id).verdict not in ("rejected", "duplicate")


def _item(case: FailureCase) -> Item:
    return Item(case.row_id or case.row_key, case.payload, case.expected, None, case.id)


def _with_own_ids(items: Sequence[Item]) -> list[Item]:
    """Two rows of one id (of two batches, say) are told apart by a number, since answers come back by id."""
    seen: dict[str, Item] = {}
    for item in items:
        known, number = seen.get(item.id), 2
        while known is not None and canonical(replace(item, id=known.id)) != canonical(known):
            item, number = replace(item, id=f"{item.id.partition('#')[0]}#{number}"), number + 1
            known = seen.get(item.id)
        seen[item.id] = item
    return list(seen.values())


def _digest(text: str) -> str:
    return hash_of(text) if text.isascii() else ""
