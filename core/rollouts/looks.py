"""Looks at one pair of arms: every guardrail that is due, from one pass over the rows of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.rollouts.arms import Pair, part_sql
from core.rollouts.values import label_sql, unreadable_sql, value_sql
from storage.errors import ModelFileError, SourceError
from storage.records.looks import TRAFFIC, Look, Split
from storage.records.models import Model, ModelFile
from storage.records.rollouts import GuardrailRule, Rollout, StageRule

if TYPE_CHECKING:
    from core.rollouts.sums import ArmRows, Keys
    from core.slices.sides import Side
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pass over a pair gave.

    Attributes:
        looks: those that can be recorded.
        unlabelled: guardrails for which one of the arms has no label yet.
        failures: guardrails that can't be measured in these batches with these labels, and why.
    """

    looks: tuple[Look, ...]
    unlabelled: tuple[GuardrailRule, ...]
    failures: tuple[tuple[GuardrailRule, str], ...]


def traffic_look(rollout: Rollout, stage: StageRule, pair: Pair) -> Look | None:
    """The rows of both arms; None where no split was asked for: in shadow, or at full traffic.

    Rows of a window that the candidate had to itself count in the split, and toward no minimum.
    """
    if stage.kind == "shadow" or not 0.0 < stage.traffic < 1.0:
        return None
    comparable = pair.canary if pair.control else 0
    return _traffic(rollout, stage, pair, comparable, Split(pair.canary, pair.control, stage.traffic))


def only_pairs(stage: StageRule) -> bool:
    """Whether requests that both answered are all that is counted in a stage: a shadow that judges no guardrail."""
    return stage.kind == "shadow" and not stage.guardrails


def pairs_look(source: LogSource, model: Model, rollout: Rollout, stage: StageRule, pair: Pair) -> Look:
    """The requests that both versions answered: so many rows has a shadow that judges no guardrail.

    Raises:
        SourceError: the log can't be asked, or names no requests.
    """
    from storage.logs.label_values import plain_text

    there = {column.name for column in source.columns}
    key = plain_text(source, model.file.columns.id or "id")
    arms = _arm_sql(there, model.file, rollout, stage, pair)
    [(both,)] = source.query(
        f"select count(*) from (select k from (select {key} as k, {arms} as a from log) "
        "where k is not null and a is not null group by k having count(distinct a) = 2)"
    )
    requests = int(str(both))
    return _traffic(rollout, stage, pair, requests, Split(requests, requests, 0.5))


def _traffic(rollout: Rollout, stage: StageRule, pair: Pair, rows: int, split: Split) -> Look:
    return Look(
        0, rollout.id, stage.stage, TRAFFIC, rollout.baseline, pair.ids, pair.start, pair.end, pair.end, rows, rows,
        split,
    )  # fmt: skip


def looks_at(
    side: Side, model: Model, rollout: Rollout, stage: StageRule, pair: Pair, due: Sequence[GuardrailRule]
) -> Counted:
    """Count every guardrail that is due in the rows of both arms.

    Args:
        side: the pair's batches opened as one log, the candidate's first, with the labels that count.

    Raises:
        SourceError: the log can't be asked.
    """
    from core.rollouts.shared_labels import shared
    from core.rollouts.sums import sums_of

    if stage.kind == "shadow" and any(rule.needs_labels for rule in due):
        side = shared(side, model.file, _arm_sql(set(side.kinds), model.file, rollout, stage, pair))
    readable, failures = _readable(side, model.file, due)
    rows = _read(side, model.file, rollout, stage, pair, readable) if readable else []
    found, unlabelled = [], []
    for (rule, _), (canary, control) in zip(readable, rows, strict=True):
        lacking = _without_labels(rule, canary, control)
        if lacking is not None:
            if lacking.unfit:
                failures = (
                    *failures,
                    (rule, f"{lacking.unfit:,} labels are there, and none can be read{_hint(model)}"),
                )
            else:
                unlabelled.append(rule)
            continue
        counted_at = pair.end + (rule.lag if rule.needs_labels else timedelta(0))
        size = int(canary.values.size)
        found.append(
            Look(
                0, rollout.id, stage.stage, rule.name, rollout.baseline, pair.ids, pair.start, pair.end, counted_at,
                size, canary.known if rule.needs_labels else size, sums_of(rule, canary, control),
                canary.unreadable, int(control.values.size), control.unreadable,
            )
        )  # fmt: skip
    return Counted(tuple(found), tuple(unlabelled), failures)


def _without_labels(rule: GuardrailRule, canary: ArmRows, control: ArmRows) -> ArmRows | None:
    """The arm that has rows, and no label yet; what its own SQL says of labelled rows is nobody's to ask."""
    if not rule.needs_labels or not canary.values.size or not control.values.size:
        return None
    return next((arm for arm in (canary, control) if not arm.known and not arm.labels), None)


def _hint(model: Model) -> str:
    return "; name the positive one in labels.positive" if model.file.task == "binary" else ""


def _readable(
    side: Side, file: ModelFile, due: Sequence[GuardrailRule]
) -> tuple[list[tuple[GuardrailRule, str]], tuple[tuple[GuardrailRule, str], ...]]:
    """The guardrails that these rows can be asked for, each with its SQL; and why the others can't."""
    found, failures = [], []
    for rule in due:
        needed = [p.column for p in rule.predicates] + ([rule.covariate] if rule.covariate else [])
        needed += [key for key in (_key(rule, file),) if key is not None]
        lacks = next((column for column in needed if column not in side.kinds), None)
        try:
            if lacks is not None:
                raise SourceError(f"{side.source.files[0].path} has no column {lacks!r}", "")
            found.append((rule, value_sql(side, file, rule)))
        except (SourceError, ModelFileError) as error:
            failures.append((rule, error.message))
    return found, tuple(failures)


def _key(rule: GuardrailRule, file: ModelFile) -> str | None:
    """The column that tells which rows belong together; None where rows stand for themselves."""
    if rule.method in ("paired odds", "paired mean"):
        return file.columns.id or "id"
    return (file.columns.user or "user") if rule.unit == "user" else None


def _read(
    side: Side,
    file: ModelFile,
    rollout: Rollout,
    stage: StageRule,
    pair: Pair,
    rules: Sequence[tuple[GuardrailRule, str]],
) -> list[tuple[ArmRows, ArmRows]]:
    """Both arms of every guardrail, in one pass; each expression is computed once."""
    import numpy as np

    from core.rollouts.sums import ArmRows
    from storage.logs.cells import floats
    from storage.logs.engine import in_words
    from storage.logs.label_values import plain_text
    from storage.logs.predicates import predicate_sql
    from storage.logs.quoting import sql_name

    asked: dict[str, str] = {}

    def column(sql: str) -> str:
        return asked.setdefault(sql, f"c{len(asked)}")

    plan = []
    labels = label_sql(side, file)
    for rule, sql in rules:
        capped = sql if rule.cap is None else f"case when {sql} > {rule.cap!r} then {rule.cap!r} else {sql} end"
        key = _key(rule, file)
        plan.append((
            column(capped),
            column(f"coalesce({predicate_sql(rule.predicates, side.kinds)}, false)") if rule.predicates else None,
            column(f"hash({plain_text(side.source, key)})") if key is not None else None,
            column(f"coalesce({plain_text(side.source, key)} is not null, false)") if key is not None else None,
            column(f"try_cast({sql_name(rule.covariate)} as double)") if rule.covariate is not None else None,
            (column(unreadable_sql(side, file, rule)), *(column(one) for one in labels)),
        ))  # fmt: skip
    arms = _arm_sql(set(side.kinds), file, rollout, stage, pair)
    listed = "".join(f", {sql} as {name}" for sql, name in asked.items())
    with in_words("the log"):
        answer = side.source.connection.execute(
            f"select __arm, {', '.join(asked.values())} from "
            f"(select {arms} as __arm{listed} from {side.relation}) where __arm is not null"
        ).fetchnumpy()
    first = np.asarray(answer["__arm"], dtype=np.int64) == 0
    found = []
    for value, inside, key, keyed, covariate, counted in plan:
        kept = np.ones(first.size, dtype=bool)
        for condition in (inside, keyed):
            if condition is not None:
                kept &= np.asarray(answer[condition], dtype=bool)
        values = floats(answer[value])
        others = None if covariate is None else floats(answer[covariate])
        keys: Keys | None = None if key is None else np.ma.filled(answer[key], 0).astype(np.uint64)
        flags = [np.asarray(answer[name], dtype=bool) for name in counted]
        ours, theirs = (
            ArmRows(
                values[arm], None if keys is None else keys[arm], None if others is None else others[arm],
                *(int(flag[arm].sum()) for flag in flags),
            )
            for arm in (first & kept, ~first & kept)
        )  # fmt: skip
        found.append((ours, theirs))
    return found


def _arm_sql(there: set[str], file: ModelFile, rollout: Rollout, stage: StageRule, pair: Pair) -> str:
    """0 for a row of the candidate, 1 for one of the control, NULL for any other."""
    from storage.logs.quoting import sql_text

    version = part_sql(there, file, "version", pair.batches)
    place = f"coalesce({part_sql(there, file, 'stage', pair.batches)}, {sql_text(file.full_stage)})"
    last = len(pair.batches) - 1
    return (
        f'case when "__file" = 0 and {version} = {sql_text(rollout.version)} and {place} = {sql_text(stage.stage)} '
        f'then 0 when "__file" = {last} and {version} = {sql_text(rollout.baseline)} '
        f"and {place} = {sql_text(pair.control_stage)} then 1 end"
    )
