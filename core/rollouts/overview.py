"""Candidates on their way, one line each, and one of them with everything behind it; reads only.

The pane and ``midwatch gate`` call the same functions, so they show the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

from core.rollouts import charts, deciding, producers
from core.rollouts.candidates import (
    CandidateDetail,
    CandidateLine,
    ChartPoint,
    GuardrailChart,
    ShownApproval,
)
from core.rollouts.deciding import Standing
from core.rollouts.evidence import bars
from core.rollouts.shortly import shortly
from storage.records.gates import Override
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.records.versions import Deployment
from storage.tables import deployments, gates, looks, models, rollouts
from storage.tables.looks import Wait

__all__ = [
    "CandidateDetail",
    "CandidateLine",
    "ChartPoint",
    "GuardrailChart",
    "ShownApproval",
    "candidate",
    "candidates",
    "line",
]

NEVER = timedelta(0)


def candidates(
    db: sqlite3.Connection, now: datetime, *, model: str | None = None, wait: bool = True
) -> tuple[CandidateLine, ...]:
    """Every candidate that is on its way, by model, the newest rollout first.

    Behind them stand the versions that logs or deployments show in a stage before the last one, without any rollout,
    and those that have ended with an override that nobody has reviewed.

    Args:
        wait: for what has to be read from the files of batches; else such lines are marked ``being_read``.

    Raises:
        UsageError: there is no such model.
    """
    asked = [models.get(db, model)] if model is not None else models.list_all(db)
    return tuple(line for one in asked for line in _of_model(db, one, now, wait))


def known(db: sqlite3.Connection, model: Model) -> tuple[Rollout, ...]:
    """Every rollout that a model had, open ones first."""
    return tuple(rollouts.list_all(db, model.id))


def candidate(db: sqlite3.Connection, rollout_id: int, now: datetime) -> CandidateDetail:
    """One rollout with its gate, its history and its charts (a ``KeyError`` for an unknown id)."""
    rollout = rollouts.get(db, rollout_id)
    model = models.get_by_id(db, rollout.model_id)
    found = deciding.standing(db, model, rollout, now=now)
    return CandidateDetail(
        line=_line(db, model, found, now),
        rollout=rollout,
        rule=found.rule,
        verdict=found.verdict,
        history=tuple(rollouts.decisions(db, rollout.id)),
        items=found.items,
        approvals=tuple(ShownApproval(one, one.sha256 == found.sha256) for one in found.approvals),
        approvals_needed=found.rule.approvals if found.rule else 0,
        overrides=tuple(
            one
            for one in gates.overrides(db)
            if one.rollout_id == rollout.id or (one.open and _of_version(one, model, rollout.version))
        ),
        charts=charts.of(found.rule, found.looks) if found.rule else (),
        planner=charts.planned(db, model, rollout, found.rule, found.looks) if found.rule else (),
        waiting=charts.waiting(found.rule, found.looks, _waits(db, found)) if found.rule else (),
    )


def _waits(db: sqlite3.Connection, found: Standing) -> tuple[Wait, ...]:
    rollout = found.rollout
    return looks.waits(db, rollout.id, rollout.stage or "", rollout.baseline)


def _of_model(db: sqlite3.Connection, model: Model, now: datetime, wait: bool) -> Iterator[CandidateLine]:
    known = set()
    for rollout in rollouts.open_rollouts(db, model.id):
        known.add(rollout.version)
        yield _line(db, model, deciding.standing(db, model, rollout, now=now, wait=wait), now)
    live = deployments.live_at(db, model.id, now)
    full = live.get(model.file.full_stage)
    for stage in model.file.stages[:-1]:
        there = live.get(stage.name)
        if there is not None and there.version not in known and (full is None or there.version != full.version):
            known.add(there.version)
            yield _stray(model, there, full, now)
    for version in dict.fromkeys(one.version for one in gates.overrides(db, only_open=True) if one.model == model.name):
        ended = rollouts.find(db, model.id, version)
        if ended is not None and version not in known:
            yield _line(db, model, deciding.standing(db, model, ended, now=now), now)


def line(db: sqlite3.Connection, rollout_id: int, now: datetime) -> CandidateLine:
    """The line of one rollout (a ``KeyError`` for an unknown id)."""
    rollout = rollouts.get(db, rollout_id)
    model = models.get_by_id(db, rollout.model_id)
    return _line(db, model, deciding.standing(db, model, rollout, now=now), now)


def _of_version(one: Override, model: Model, version: str) -> bool:
    return (one.model, one.version) == (model.name, version)


def _line(db: sqlite3.Connection, model: Model, found: Standing, now: datetime) -> CandidateLine:
    rollout, verdict = found.rollout, found.verdict
    filled = [(*bars(one), one.guardrail) for one in verdict.evidence]
    slowest = min(filled, key=lambda one: one[0], default=(0.0, 0.0, ""))
    nearest = max(filled, key=lambda one: one[1], default=(0.0, 0.0, ""))
    ahead = rollout.rule.after(rollout.stage) if rollout.stage else rollout.rule.stages[0]
    return CandidateLine(
        rollout_id=rollout.id,
        model=model.name,
        version=rollout.version,
        baseline=rollout.baseline,
        state=rollout.state,
        stage=rollout.stage,
        kind=found.rule.kind if found.rule else None,
        next_stage=ahead.stage if ahead and rollout.state == "open" else None,
        traffic=_traffic(db, rollout, found, now),
        entered_at=rollout.entered_at,
        in_stage=max(now - rollout.entered_at, NEVER) if rollout.entered_at else NEVER,
        outcome=verdict.outcome,
        dry_run=found.dry_run,
        waits_for=_waits_for(found, ahead.stage if ahead else None),
        toward_promote=slowest[0],
        toward_harm=nearest[1],
        looks=verdict.looks,
        rows=verdict.rows,
        labelled=verdict.labelled,
        at=verdict.at,
        overrides_open=sum(_of_version(one, model, rollout.version) for one in gates.overrides(db, only_open=True)),
        entered_without_gate=_ahead_of_itself(db, model, rollout, now),
        production=model.file.production,
        being_read=producers.BEING_READ in verdict.conditions,
        short=_shortly(found, ahead.stage if ahead else None),
        guardrails=len(filled),
        slowest=slowest[2],
        nearest=nearest[2],
    )


def _shortly(found: Standing, ahead: str | None) -> str:
    rollout, said = found.rollout, found.verdict
    if rollout.state != "open":
        return f"live in {rollout.stage}" if rollout.state == "done" else rollout.state
    if ahead is None:
        return "no stage behind it"
    if said.outcome == "promote":
        return f"promote to {ahead}"
    why = shortly(said, found.rule)
    return f"take off: {why}" if said.outcome == "roll back" else why


def _waits_for(found: Standing, ahead: str | None) -> str:
    rollout, said = found.rollout, found.verdict
    if rollout.state != "open":
        return f"nothing: {'live in ' + (rollout.stage or '') if rollout.state == 'done' else rollout.state}"
    if ahead is None:
        return "nothing: there is no stage behind it"
    why = next((one.text for one in said.reasons if one.kind != "clear"), "")
    if said.outcome == "promote":
        return f"you: promote it to {ahead}"
    if said.outcome == "roll back":
        return f"you: take it off ({why})"
    held = why or "the gate says hold"
    return f"nobody (dry run), it would hold: {held}" if found.dry_run else held


def _traffic(db: sqlite3.Connection, rollout: Rollout, found: Standing, now: datetime) -> float:
    live = deployments.live_at(db, rollout.model_id, now).get(rollout.stage or "")
    if live is not None and live.version == rollout.version and live.traffic is not None:
        return live.traffic
    return found.rule.traffic if found.rule else 0.0


def _ahead_of_itself(db: sqlite3.Connection, model: Model, rollout: Rollout, now: datetime) -> bool:
    """Whether a log or a deployment shows the version in a stage that no decision let it into."""
    if rollout.state != "open":
        return False
    names = [stage.stage for stage in rollout.rule.stages]
    beyond = names[names.index(rollout.stage) + 1 :] if rollout.stage in names else names
    live = deployments.live_at(db, model.id, now)
    return any(stage in live and live[stage].version == rollout.version for stage in beyond)


def _stray(model: Model, there: Deployment, full: Deployment | None, now: datetime) -> CandidateLine:
    stage = next(one for one in model.file.stages if one.name == there.stage)
    names = [one.name for one in model.file.stages]
    behind = names[names.index(there.stage) + 1 :]
    return CandidateLine(
        rollout_id=None,
        model=model.name,
        version=there.version,
        baseline=full.version if full else None,
        state="open",
        stage=there.stage,
        kind=stage.kind,
        next_stage=behind[0] if behind else None,
        traffic=stage.traffic if there.traffic is None else there.traffic,
        entered_at=there.at,
        in_stage=max(now - there.at, NEVER),
        outcome="hold",
        dry_run=False,
        waits_for="a rollout: it entered without a gate; midwatch promote opens one at the first stage",
        toward_promote=0.0,
        toward_harm=0.0,
        looks=0,
        rows=0,
        labelled=0,
        at=None,
        overrides_open=0,
        entered_without_gate=True,
        production=model.file.production,
        short="a rollout: came without a gate",
    )
