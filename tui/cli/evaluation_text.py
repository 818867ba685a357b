"""An offline evaluation as text: what holds it first, then the numbers, then what they rest on."""

from __future__ import annotations

from typing import Any

from storage.logs.predicates import words
from storage.records.suites import Door, Evaluation, Figure, MetricCompared, PartCompared
from tui.cli import output


def show(done: Evaluation, in_force: dict[str, Any] | None) -> None:
    """Write it to standard output."""
    against = f" against {done.baseline}" if done.baseline else ""
    says = "passes" if done.passes else "does not pass"
    output.text(f"{done.model} {done.version}{against}: {says} (evaluation {done.id}, suite {done.suite.sha256[:12]})")
    for flag in done.flags:
        output.text(f"  ! {flag}")
    for reason in done.reasons:
        output.text(f"  {reason}")
    floors = [part for part in done.parts if part.floor is not None]
    if floors:
        output.text("")
        output.table(("FLOOR", "OF", "KIND", "WHERE", "CANDIDATE", "BASELINE", "FLOOR AT"), [_floor(p) for p in floors])
    output.text("")
    output.table(
        ("ROWS OF", "METRIC", "CANDIDATE", "BASELINE", "DIFFERENCE", "N"),
        [_metric(part, metric) for part in done.parts for metric in part.metrics],
    )
    output.text("")
    for line in _below(done, in_force):
        output.text(line)


def _below(done: Evaluation, in_force: dict[str, Any] | None) -> list[str]:
    c, lines = done.counts, []
    if in_force is not None:
        compared = in_force["compared"]
        values = "not in the suite"
        if compared is not None:
            values = f"candidate {_plain(compared['candidate'])}, baseline {_plain(compared['baseline'])}"
        lines.append(f"primary in force: {in_force['metric']} ({in_force['owner']}): {values}; gates keep the other")
    if done.gain is not None and done.gain.reached is True:
        lines.append(f"simple baseline: {done.gain.sentence}")
    methods = {m.method: m.metric for p in done.parts for m in p.metrics if m.method}
    if methods:
        lines.append(f"intervals (95 %): {'; '.join(methods)}")
    for one in done.sets:
        judged = f"{one.passed} of {one.items} pass ({one.share:.0%}), by {one.where}"
        told = judged if one.passed or one.failed or one.unknown else one.where
        lines.append(f"set {one.name} {one.version} ({one.purpose}): {told}")
    if done.cases is not None:
        first = ", ".join(done.cases.first[:8]) + (", ..." if len(done.cases.first) > 8 else "")
        told = f"; first passed by this version: {first}" if first else ""
        lines.append(
            f"{done.cases.passed} of {done.cases.cases} failure cases pass ({done.cases.in_set} are in a set, "
            f"{done.cases.answered} were answered){told}"
        )
    lines.append(f"rows: {done.split}; {c.rows:,} evaluated, {c.coverage:.1%} of them labelled, {c.older:,} kept apart")
    left = [
        (c.no_candidate, f"without an answer of {done.version}"),
        (c.no_baseline, f"without one of {done.baseline}"),
        (c.unusable, "with an answer that can't be judged"),
        (c.repeated, "repeated"),
        (c.without_id, "without an id"),
    ]
    if any(count for count, _ in left):
        lines.append("left out: " + ", ".join(f"{count:,} {why}" for count, why in left if count))
    lines.append(f"predictions: {done.version} from {_door(done.candidate_door)}")
    if done.baseline:
        lines[-1] += f"; {done.baseline} from {_door(done.baseline_door)}"
    lines.append(f"data: {done.data.kind} {', '.join(done.data.names[:4])}, sha256 {done.data.sha256[0][:12]}")
    lines += done.notes
    return lines


def _floor(part: PartCompared) -> tuple[object, ...]:
    primary = part.primary
    return (
        part.standing,
        part.name,
        part.kind,
        words(part.predicates),
        _figure(primary.candidate) if primary else part.note,
        _figure(primary.baseline) if primary and primary.baseline else None,
        f"{part.floor:g}",
    )


def _metric(part: PartCompared, metric: MetricCompared) -> tuple[object, ...]:
    return (
        part.name,
        metric.metric + (" *" if metric.primary else ""),
        _figure(metric.candidate),
        _figure(metric.baseline) if metric.baseline else None,
        _figure(metric.difference, "+") if metric.difference else None,
        f"{metric.candidate.n:,}",
    )


def _figure(figure: Figure, sign: str = "") -> str:
    if figure.value is None:
        return figure.note or "-"
    told = f"{figure.value:{sign}.5g}"
    if figure.low is None or figure.high is None:
        return told
    return f"{told} [{figure.low:{sign}.4g} {figure.high:{sign}.4g}]"


def _plain(figure: dict[str, Any] | None) -> str:
    return "-" if figure is None or figure["value"] is None else f"{figure['value']:.5g}"


def _door(door: Door) -> str:
    words = {"scores": "scores", "log": "the log", "scorer": "the scorer", "none": "nowhere"}
    sha256 = f", sha256 {door.sha256[:12]}" if door.sha256 else ""
    return f"{words[door.kind]} ({door.what}{sha256})"
