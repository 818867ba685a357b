"""The candidates of the demo: opened, put where the sample data has them, their gates armed, one of them evaluated."""

from __future__ import annotations

import sqlite3

from core.rollouts import arming, deciding, opening, promotion
from sample_data.records import Candidate, ModelScenario
from storage.host import Actor
from storage.records.models import Model
from storage.tables import batches

ARMED_BY = "p.okafor"


def begin(db: sqlite3.Connection, model: Model, scenario: ModelScenario, host: str) -> None:
    """Open the candidate's rollout and take it through the stages that it has been in, as the sample data has it.

    Gates were in their dry run then; p.okafor arms them when the candidate has come to its stage.
    """
    candidate = scenario.candidate
    if candidate is None:
        return
    for step in scenario.deployments:
        if step.version == candidate.version:
            who = Actor(step.by, host)
            plan = promotion.plan(db, model, step.version, now=step.at, actor=who)
            promotion.promote(db, model, plan, reason=step.reason, actor=who, now=step.at)
    rollout = opening.find(db, model, candidate.version)
    for rule in rollout.rule.stages[:-1] if rollout is not None else ():
        reason = "agreed in the team: gates count from now on"
        arming.arm(db, model, rule, reason=reason, actor=Actor(ARMED_BY, host), now=candidate.since)


def judge(db: sqlite3.Connection, model: Model, scenario: ModelScenario, host: str) -> None:
    """What is left once every file is in: the critical slice, the offline evaluation, and what the gate says."""
    candidate = scenario.candidate
    if candidate is None:
        return
    if candidate.slice is not None:
        _keep(db, model, candidate, host)
        begin(db, model, scenario, host)
        _evaluate(db, model, scenario, candidate, host)
    rollout = opening.find(db, model, candidate.version)
    if rollout is not None:
        deciding.gate(db, model, rollout, now=max(file.arrived for file in scenario.serving))


def _keep(db: sqlite3.Connection, model: Model, candidate: Candidate, host: str) -> None:
    from core.kept.slices import keep
    from storage.records.slices import Predicate

    name, where, floor = candidate.slice or ("", "", 0.0)
    column, value = where.split(" = ")
    keep(
        db, model, name, [Predicate(column, "=", value)], kind="critical", floor=floor, look_back=0,
        actor=Actor(ARMED_BY, host), now=candidate.since,
    )  # fmt: skip


def _evaluate(db: sqlite3.Connection, model: Model, scenario: ModelScenario, candidate: Candidate, host: str) -> None:
    """On every batch that has its labels, from the files of scores."""
    from core.suites.evaluate import evaluate
    from core.suites.rows import RowsAsked

    rollout = opening.find(db, model, candidate.version)
    if rollout is None:
        return
    ripe = max(file.window_end for file in scenario.labels)
    found = [batches.at_path(db, model.id, str(file.path)) for file in scenario.serving if file.window_end <= ripe]
    labelled = tuple(batch for batch in found if batch is not None)
    scores = {version: str(path) for version, path in candidate.scores}
    evaluate(
        db, model, candidate.version, data=RowsAsked(batches=labelled), scores=scores[candidate.version],
        baseline=rollout.baseline, baseline_scores=scores[rollout.baseline], actor=Actor("retrain-bot", host),
        now=candidate.since,
    )  # fmt: skip
