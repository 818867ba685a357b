"""The report of an experiment: what is known, what is conjecture, and what nobody knows. Markdown, from rows only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from core.experiments.lives import Life, life_of
from core.experiments.predicting import OPEN, Outlook, history_of, outlook
from core.experiments.readings import Reread, reread
from core.experiments.registering import wrong
from core.markdown import escape, row
from core.report_words import moment
from storage.records.experiments import ExperimentResult
from storage.tables import models


def report_of(db: sqlite3.Connection, experiment_id: int, *, now: datetime) -> str:
    """The report of the experiment of that id, with what history and the primary metric of now say of it.

    Raises:
        UsageError: there is none.
    """
    one = life_of(db, experiment_id, now=now)
    told = None
    if one.experiment.state in OPEN:
        told = outlook(one, history_of(db, models.get_by_id(db, one.experiment.model_id), now=now))
    return experiment_report(one, told, reread(db, one, now=now))


def experiment_report(one: Life, told: Outlook | None, again: Reread | None) -> str:
    """The report of one experiment.

    Args:
        told: what history says of it; None where nothing is asked of history any more.
        again: under the metric that is primary now, where that is another one.
    """
    found = one.experiment
    head = [
        f"# Experiment {found.id}: {escape(found.registration.title)}",
        "",
        f"{escape(found.model)}, kind {found.registration.kind}, {found.state}; registered {moment(found.at)}.",
        "`[table id]` names the row a statement comes from.",
        "",
    ]
    parts = (
        ("Known", _known(one, again)),
        ("Conjecture", _conjecture(one, told)),
        ("Not known", _not_known(one, told)),
    )
    lines = head
    for title, said in parts:
        lines += [f"## {title}", "", *said, ""]
    return "\n".join(lines)


def as_predicted(one: Life) -> str | None:
    """Whether the newest gain of the farthest stage came out as predicted; None without one."""
    given, got = one.experiment.registration, one.latest
    if got is None:
        return None
    if given.predicted_low <= got.gain <= given.predicted_high:
        return "as predicted"
    side = "less" if got.gain < given.predicted_low else "more"
    apart = got.high < given.predicted_low or got.low > given.predicted_high
    return f"{side} than predicted" if apart else f"{side} than predicted, though its interval reaches into that"


def _known(one: Life, again: Reread | None) -> Iterator[str]:
    found, given = one.experiment, one.experiment.registration
    broken = wrong(found)
    yield f"- registered by {escape(found.by)} before any result, sha256 `{found.sha256}` [experiments {found.id}]"
    yield f"- the record {'is as it was registered' if not broken else 'IS NOT as registered: ' + '; '.join(broken)}"
    yield (
        f"- predicted: a gain of {given.predicted_low:g} to {given.predicted_high:g} of {escape(given.metric)}; "
        f"worthwhile from {given.minimum_gain:g} on"
    )
    read = [result for result in one.results if result.source != "typed"]
    if read:
        yield ""
        yield from _table(read)
    if (verdict := as_predicted(one)) is not None:
        yield f"- the newest gain of the farthest stage is {verdict}"
    if again is not None:
        for metric, result in ((again.registered, again.under_registered), (again.now, again.under_now)):
            said = f"{result.gain:+.4g} in {escape(result.stage)}" if result else "not measured"
            which = "registered" if metric == again.registered else "primary now"
            yield f"- under {escape(metric)} ({which}): {said}"
    if one.hours:
        yield f"- hours booked: {one.hours:g}"
    for event in one.events:
        if event.kind in ("kill", "drop", "hold", "launch"):
            reason = f": {escape(event.body)}" if event.body else ""
            yield f"- {event.kind} on {moment(event.at)} by {escape(event.by)}{reason} [experiment_events {event.id}]"


def _conjecture(one: Life, told: Outlook | None) -> Iterator[str]:
    given = one.experiment.registration
    yield f"- the hypothesis, registered before any result: {escape(given.hypothesis)}"
    for event in one.events:
        if event.kind == "explain":
            mark = "retrofitted, " if event.retrofitted else ""
            anew = f"; the hypothesis anew: {escape(event.hypothesis)}" if event.hypothesis else ""
            said = f"{mark}{moment(event.at)} by {escape(event.by)}"
            yield f"- {escape(event.body or '')}{anew} ({said}) [experiment_events {event.id}]"
    typed = [result for result in one.results if result.source == "typed"]
    if typed:
        yield "- results that a person typed, which nothing here can check:"
        yield ""
        yield from _table(typed)
    if told is not None and told.end is not None:
        end = told.end
        yield (
            f"- expected at the end, from the team's own history: {end.expected.value:+.4g} of {escape(given.metric)} "
            f"({end.expected.low:.4g} to {end.expected.high:.4g}), with a chance of {end.survival:.0%} to stay"
        )
        if told.kill:
            yield "- by that it is not worth going on: the upper end is below the least worthwhile gain"


def _not_known(one: Life, told: Outlook | None) -> Iterator[str]:
    yield "- whether the hypothesis is why: a gain shows that something changed, not what did it"
    if one.offline is None:
        yield "- what it does offline: there is no result of a test stage"
    if one.stage in (None, "test"):
        yield "- what it does to users: no later stage has a result"
    elif one.stage != "full":
        yield f"- what it does to everybody: the farthest stage is {one.stage}"
    if told is not None and told.why_not is not None:
        yield f"- what it will be worth at the end: {told.why_not}"
    if not one.hours:
        yield "- what it cost: no hours are booked"


def _table(results: list[ExperimentResult]) -> Iterator[str]:
    yield row("stage", "metric", "gain", "95 % interval", "n", "version", "source", "row")
    yield row(*["---"] * 8)
    for one in results:
        yield row(
            escape(one.stage), escape(one.metric), f"{one.gain:+.4g}", f"{one.low:.4g} to {one.high:.4g}",
            one.n or "not said", escape(one.version or "-"), escape(one.source_ref or one.source),
            f"experiment_results {one.id}",
        )  # fmt: skip
    yield ""
