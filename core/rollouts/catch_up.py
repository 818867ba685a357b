"""Looks that are missing, taken from the stored batches: the same ones, however late and however often it is done.

A look at something that needs labels is taken once, when the newest batch of the model is later than the window by the
labels' lag and both arms have labels. It counts the label files that had come by then, and of files that tell when each
label became known those known by then, so it does not matter when it is taken: labels that come later change nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.rollouts.arms import Pair, divided, pairs
from core.rollouts.looks import Counted, looks_at, only_pairs, pairs_look, traffic_look
from core.rollouts.opened_arms import Fresh as Fresh
from core.rollouts.opened_arms import open_batches, with_labels
from storage.db import transaction
from storage.errors import MidwatchError
from storage.records.batches import Batch
from storage.records.labels import LabelFile
from storage.records.looks import TRAFFIC, Look
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, Rollout, StageRule
from storage.tables import batches, deployments, labels, looks, rollouts
from storage.tables.looks import Wait

if TYPE_CHECKING:
    from storage.logs.source import LogSource

PROGRAM = "midwatch"


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How many looks are new, and what could not be looked at yet, or not any more."""

    looks: int
    waiting: tuple[str, ...]


def catch_up(db: sqlite3.Connection, model: Model, *, now: datetime, fresh: Fresh | None = None) -> CaughtUp:
    """Take every look that is missing, for every open rollout of a model; nothing to do costs next to nothing.

    The looks of one pair of batches are recorded together, or none is. A file that is gone or can't be read is told,
    and the others are looked at all the same. A rollout whose baseline no longer serves users is rebased first.

    Args:
        fresh: a batch whose log is open already.
    """
    going = rollouts.open_rollouts(db, model.id)
    if not going:
        return CaughtUp(0, ())
    serving = [b for b in batches.page(db, model_id=model.id, limit=-1) if b.role == "serving"]
    arms, failures = divided(db, model, serving, fresh)
    added, waiting = 0, list(failures)
    for rollout in going:
        current = rebased(db, model, rollout, now=now)
        for stage in current.rule.stages:
            if stage.has_arms:
                used = looks.used_before(db, current.id, model.id, current.version, stage.stage)
                seen = _Stage(db, model, current, stage, serving, fresh, now)
                found, missing = pairs(
                    model.file, serving, arms, current.version, current.baseline, stage.stage, used, seen.split
                )
                waiting += missing
                for pair in found:
                    added += seen.look(pair)
                waiting += seen.waiting()
    return CaughtUp(added, tuple(dict.fromkeys(waiting)))


def rebased(db: sqlite3.Connection, model: Model, rollout: Rollout, *, now: datetime) -> Rollout:
    """The rollout held against what serves users now: another baseline is recorded, and earlier looks count no more."""
    live = deployments.live_at(db, model.id, now).get(model.file.full_stage)
    if live is None or live.version in (rollout.baseline, rollout.version):
        return rollout
    with transaction(db):
        current = rollouts.get(db, rollout.id)  # another process may have done it, or ended the rollout
        if current.state == "open" and current.baseline != live.version:
            reason = f"{live.version} serves {model.file.full_stage} instead of {rollout.baseline}"
            rollouts.add_event(db, rollout.id, "rebased", baseline=live.version, reason=reason, by=PROGRAM, now=now)
    return rollouts.get(db, rollout.id)


class _Stage:
    """One stage of a rollout, with what was looked at in it already."""

    def __init__(
        self,
        db: sqlite3.Connection,
        model: Model,
        rollout: Rollout,
        stage: StageRule,
        serving: Sequence[Batch],
        fresh: Fresh | None,
        now: datetime,
    ) -> None:
        self._db, self._model, self._rollout, self._stage, self._now = db, model, rollout, stage, now
        self._fresh = fresh
        self._serving = [b for b in serving if b.window_end is not None]
        self._done = looks.done(db, rollout.id, stage.stage, rollout.baseline)
        tried = looks.waits(db, rollout.id, stage.stage, rollout.baseline)
        self._tried = {(one.guardrail, one.batches, one.known): one.reason for one in tried}
        self._vain: list[Wait] = []
        self._failures: list[str] = []
        self._immature: set[datetime] = set()
        self._unlabelled: set[int] = set()

    def look(self, pair: Pair) -> int:
        """Take the looks of a pair that are missing; how many are new."""
        judged = self._stage.guardrails if pair.control else ()
        missing = [rule for rule in judged if (rule.name, pair.ids) not in self._done]
        found: list[Look] = []
        counts_pairs = bool(pair.control) and only_pairs(self._stage) and (TRAFFIC, pair.ids) not in self._done
        if (TRAFFIC, pair.ids) not in self._done:
            split = traffic_look(self._rollout, self._stage, pair)
            found += [split] if split is not None else []
        files = self._label_files(pair) if any(rule.needs_labels for rule in missing) else []
        due, moment = self._due(pair, missing, files)
        self._vain = []
        if due or counts_pairs:
            try:
                with open_batches(pair.batches, self._model, self._fresh) as source:
                    if counts_pairs:
                        found.append(pairs_look(source, self._model, self._rollout, self._stage, pair))
                    if due:
                        found += self._counted(source, pair, due, files, moment)
            except MidwatchError as error:
                self._failures.append(error.message)
        if not found and not self._vain:
            return 0
        place = (self._rollout.id, self._stage.stage, self._rollout.baseline)
        with transaction(self._db):
            looks.add_waits(self._db, *place, self._vain, self._now)
            return looks.add_looks(self._db, found, self._now)

    @property
    def split(self) -> set[tuple[int, ...]]:
        """The batches of each window whose traffic split was looked at."""
        return {ids for name, ids in self._done if name == TRAFFIC}

    def waiting(self) -> list[str]:
        """What could not be looked at yet, or not any more, in sentences."""
        told = list(self._failures)
        where = f"{self._rollout.version} in {self._stage.stage}"
        if self._unlabelled:
            windows = f"{len(self._unlabelled)} window{'s' if len(self._unlabelled) != 1 else ''}"
            told.append(f"{where}: no labels of both versions yet for {windows}")
        if self._immature:
            windows = f"{len(self._immature)} window{'s' if len(self._immature) != 1 else ''}"
            first = f"{min(self._immature):%Y-%m-%d %H:%MZ}"
            told.append(f"{where}: labels of {windows} are not due yet, the first when logs reach {first}")
        return told

    def _counted(
        self,
        source: LogSource,
        pair: Pair,
        due: list[GuardrailRule],
        files: list[LabelFile],
        moment: datetime,
    ) -> list[Look]:
        """Looks from an open log: with the labels known when the window matured, then with those that came next."""
        found: list[Look] = []
        counted: Counted | None = None
        attempts = _attempts(files, moment, max((pair.end + rule.lag for rule in due), default=pair.end))
        for place, (known, until) in enumerate(attempts, start=1):
            side = with_labels(source, pair.batches, self._model, known, until=until)
            counted = looks_at(side, self._model, self._rollout, self._stage, pair, due)
            found += counted.looks
            last = place == len(attempts)
            self._note(pair, files, [(one, why) for one, why in counted.failures if last or not one.needs_labels])
            due = [*counted.unlabelled, *(one for one, _ in counted.failures if one.needs_labels)]
            if not due:
                return found
        self._note(pair, files, [(one, None) for one in counted.unlabelled] if counted is not None else [])
        return found

    def _note(self, pair: Pair, files: Sequence[LabelFile], failed: Sequence[tuple[GuardrailRule, str | None]]) -> None:
        """Guardrails that these rows can't be asked for, until the model file or their labels are others."""
        for rule, why in failed:
            self._vain.append(Wait(rule.name, pair.ids, self._known(rule, files), why))
            self._tell(pair, rule, why)

    def _tell(self, pair: Pair, rule: GuardrailRule, why: str | None) -> None:
        if why is None:
            self._unlabelled.add(pair.batches[0].id)
        else:
            self._failures.append(f"batch {pair.batches[0].id}: {rule.name}: {why}")

    def _known(self, rule: GuardrailRule, files: Sequence[LabelFile]) -> str:
        """What an attempt at a guardrail rests on beside the batches' own bytes."""
        numbers = ",".join(str(file.id) for file in files) if rule.needs_labels else ""
        return f"{self._model.sha256} {numbers}"

    def _due(
        self, pair: Pair, missing: Sequence[GuardrailRule], files: Sequence[LabelFile]
    ) -> tuple[list[GuardrailRule], datetime]:
        """The guardrails to be counted now; and when the batch came that showed that the labels had had their time."""
        due, moment = [], max(batch.arrived_at for batch in pair.batches)
        for rule in missing:
            attempt = (rule.name, pair.ids, self._known(rule, files))
            if attempt in self._tried:
                self._tell(pair, rule, self._tried[attempt])
                continue
            if rule.needs_labels:
                ripe = pair.end + rule.lag
                came = [b.arrived_at for b in self._serving if b.window_end is not None and b.window_end >= ripe]
                if not came:
                    self._immature.add(ripe)
                    continue
                if not self._any_label(pair):
                    self._unlabelled.add(pair.batches[0].id)
                    continue
                moment = max(moment, min(came))
            due.append(rule)
        return due, moment

    def _any_label(self, pair: Pair) -> bool:
        """Whether each batch may have labels: a column or a file of them, or any that its metrics were measured with.

        In a shadow one batch is enough: both versions answered the same requests.
        """
        label = self._model.file.columns.label
        labelled = []
        for batch in pair.batches:
            count = batches.coverage(self._db, batch.id)
            there = label in dict(batch.columns) or bool(labels.files_of(self._db, batch.id))
            labelled.append(there or (count is not None and count.labelled > 0))
        return any(labelled) if self._stage.kind == "shadow" else all(labelled)

    def _label_files(self, pair: Pair) -> list[LabelFile]:
        files = {file.id: file for batch in pair.batches for file in labels.files_of(self._db, batch.id)}
        return sorted(files.values(), key=lambda file: (file.arrived_at, file.id))


def _attempts(
    files: Sequence[LabelFile], moment: datetime, until: datetime
) -> list[tuple[Sequence[LabelFile], datetime | None]]:
    """The label files to count with, one attempt after the other, until both arms have labels.

    Those that had come by ``moment`` first, then those of each later command; of each first the labels that were known
    ``until`` the lag was over, where a file tells, and then all.
    """
    later = sorted({file.arrived_at for file in files if file.arrived_at > moment})
    found: list[tuple[Sequence[LabelFile], datetime | None]] = []
    for came in (moment, *later):
        known = [file for file in files if file.arrived_at <= came]
        found += [(known, until), (known, None)] if known else [(known, None)]
    return found
