"""The rule of a rollout: what the model file asks for, with every number that could tempt anybody later settled now.

Margins, caps and spreads are taken from the reference when a rollout opens, and kept with it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

from core.rollouts.reference_values import Reference, Spread
from core.rollouts.values import LABELLED
from storage.errors import RefusedError, UsageError
from storage.records.kept_slices import KeptSlice
from storage.records.models import Guardrail, Model, ModelFile, Stage
from storage.records.rollouts import GuardrailRule, Method, RolloutRule, StageRule
from storage.records.rule_documents import hashed
from storage.tables import kept_slices

LAST_MARGIN, EARLIER_MARGIN, FIRST_MARGIN = 1.15, 1.3, 2.0
"""Odds ratios that are put up with: at the last gate, before it, and at the first of three or more."""

SLICE_ODDS, SLICE_MARGIN = 2.0, 1.3
"""The least margins of critical slices and scenarios: of odds, and of numbers and ranks.

They have few rows, so the last gate's 1.15 would hold for weeks. Rare errors need a wide margin of odds: 2.0 of 5 %
lets 5 more of a hundred rows fail. Every row of a number tells something, and twice a mean error is no guard at all.
"""

BURN_IN = 2_000
"""Candidate's units before the mean of skewed numbers, or one that must not fall, may say harm.

With fewer, the small arm of a right-skewed number lies below its mean too often: 4 to 31 % false alarms were measured.
"""

SKEWED = 2.0
"""Numbers of a larger skewness are skewed."""


def resolve(db: sqlite3.Connection, model: Model) -> RolloutRule:
    """The rule that a rollout of this model is opened with.

    Raises:
        UsageError: a guardrail names a slice that nobody keeps; a shadow can't be joined without ids.
        RefusedError: a guardrail of numbers has no reference to take its margin from.
        ModelFileError: a guardrail's own SQL is not one expression.
        SourceError: the reference can't be read.
    """
    file = model.file
    armed = [stage for stage in file.stages if stage.kind in ("shadow", "canary", "ab")]
    if file.columns.id is None and any(stage.kind == "shadow" for stage in armed):
        raise UsageError(
            f"{model.name} names no id column: answers of a shadow can't be laid beside those that were served",
            "add id = '...' under [columns] of its model file",
        )
    asked = _asked(db, model)
    reference = Reference(db, model)
    stages = []
    for stage in file.stages:
        guardrails: tuple[GuardrailRule, ...] = ()
        if stage in armed:
            margin = stage.margin or _margin(armed.index(stage), len(armed))
            judged = [(one, kept) for one, kept in asked if not one.stages or stage.name in one.stages]
            made = [_rule(one, kept, stage, margin, file, reference) for one, kept in judged]
            guardrails = tuple(one for one in made if not _refused(one, stage, file))
        stages.append(
            StageRule(
                stage.name, stage.kind, float(stage.traffic), guardrails, stage.minimum_rows, stage.minimum_labels,
                float(stage.minimum_hours), stage.approvals, stage.items,
                alpha_harm=float(file.gates.harm) / max(len(armed), 1), alpha_promote=float(file.gates.promote),
            )
        )  # fmt: skip
    return hashed(tuple(stages), file.feedback_loop)


def _margin(place: int, stages: int) -> float:
    """The odds ratio of a gate that names none: tight at the end, where everyone is next.

    >>> [[_margin(place, stages) for place in range(stages)] for stages in (1, 2, 3, 4)]
    [[1.15], [1.3, 1.15], [2.0, 1.3, 1.15], [2.0, 1.3, 1.3, 1.15]]
    """
    if place == stages - 1:
        return LAST_MARGIN
    return FIRST_MARGIN if place == 0 and stages >= 3 else EARLIER_MARGIN


def _asked(db: sqlite3.Connection, model: Model) -> list[tuple[Guardrail, KeptSlice | None]]:
    """The guardrails of the model file, or the one that goes without saying, and one a critical slice or scenario."""
    file = model.file
    primary = Guardrail("abs_error" if file.task == "regression" else "error", "error")
    primary = replace(primary, signal=primary.name)
    listed = file.guardrails or (primary,)
    found = [(one, None if one.slice is None else kept_slices.get(db, model.id, one.slice)) for one in listed]
    named = {one.slice for one in listed}
    vital = [kept for kept in kept_slices.listing(db, model.id) if kept.kind in ("critical", "scenario")]
    added = [(replace(primary, name=f"{primary.name} in {k.name}", slice=k.name), k) for k in vital]
    return found + [(one, kept) for one, kept in added if kept.name not in named]


def _rule(
    one: Guardrail, kept: KeptSlice | None, stage: Stage, margin: float, file: ModelFile, reference: Reference
) -> GuardrailRule:
    """One guardrail in one stage."""
    paired = stage.kind == "shadow"
    added = kept is not None and one not in file.guardrails
    unit = "row" if paired else one.unit or ("user" if file.columns.user is not None else "row")
    predicates = kept.predicates if kept is not None else ()
    draft = GuardrailRule(
        one.name,
        one.signal,
        one.harm,
        "mean",
        0.0,
        unit,
        one.sql,
        slice=one.slice,
        predicates=predicates,
        floored=added,
    )
    method, spread = _method(one, draft, paired, reference)
    if added:
        margin = max(margin, SLICE_ODDS if method in ("odds", "paired odds") else SLICE_MARGIN)
    needs_labels = one.signal in LABELLED or (one.sql is not None and reference.reads_label(draft))
    covariate = one.covariate if method == "mean" else None
    least = one.minimum_units
    if least is None:
        skewed = spread is not None and spread.skewness > SKEWED and one.cap is None
        least = BURN_IN if method == "mean" and (one.harm == "down" or skewed) else 0
    return replace(
        draft,
        method=method,
        margin=_in_units(one, method, margin, spread),
        needs_labels=needs_labels,
        lag=file.labels.lag if needs_labels else timedelta(0),
        sd=None if spread is None else spread.sd,
        cap=None if spread is None or one.cap is None else spread.cap,
        covariate=covariate,
        minimum_units=least,
    )


def _method(one: Guardrail, draft: GuardrailRule, paired: bool, reference: Reference) -> tuple[Method, Spread | None]:
    """How it is judged, and the reference's figures where numbers need them."""
    chosen = one.method
    if chosen is None and one.signal == "sql":
        spread = reference.spread(draft, one.cap)
        chosen = "odds" if spread is not None and spread.binary else "mean"
    chosen = chosen or ("odds" if one.signal == "error" else "rank" if one.signal == "latency" else "mean")
    if chosen == "odds":
        if one.signal not in ("error", "sql"):
            raise UsageError(
                f"the guardrail {one.name!r} is about numbers: it has no odds", "method = 'mean' or 'rank'"
            )
        return ("paired odds" if paired else "odds"), None
    if chosen == "rank" and not paired:
        return "rank", reference.spread(draft, one.cap) if one.cap is not None else None
    spread = reference.spread(draft, one.cap)
    if spread is None or not spread.sd > 0:
        what = "does not vary" if spread is not None else "has no values"
        raise RefusedError(
            f"the guardrail {one.name!r} {what} in the reference: no margin can be taken from it",
            "ingest a reference with that column and its labels (--role reference), or take the guardrail out",
        )
    return ("paired mean" if paired else "mean"), spread


def _in_units(one: Guardrail, method: Method, margin: float, spread: Spread | None) -> float:
    """The margin as the method takes it: odds ratio, difference in the signal's unit, or distance from one half."""
    if method in ("odds", "paired odds"):
        if one.margin is not None and one.margin <= 1.0:
            raise UsageError(f"the guardrail {one.name!r}: a margin of odds is above 1", f"not {one.margin:g}")
        return float(one.margin or margin)
    if method == "rank":
        if one.margin is not None and one.margin >= 0.5:
            raise UsageError(f"the guardrail {one.name!r}: a margin of ranks is below 0.5", f"not {one.margin:g}")
        return float(one.margin or margin / (1.0 + margin) - 0.5)
    if spread is None:
        raise ValueError(f"{one.name} has no reference")
    return float(one.margin or margin - 1.0) * (abs(spread.mean) or spread.sd)


def _refused(rule: GuardrailRule, stage: Stage, file: ModelFile) -> bool:
    """What users would have done on a shadow's answers is not known where answers change what happens."""
    return stage.kind == "shadow" and file.feedback_loop and (rule.needs_labels or rule.signal == "sql")
