"""Experiments as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from core.experiments.lives import Life
from core.experiments.registering import wrong
from storage.records.experiments import ExperimentEvent, ExperimentResult
from tui.present.moments import age
from tui.present.page import Page, Stamp, span
from tui.present.text import visible

if TYPE_CHECKING:
    from core.experiments.predicting import Outlook
    from core.experiments.readings import Reread

KILL = "KILL?"


def cells(one: Life, told: Outlook | None, now: datetime) -> tuple[str | Text, ...]:
    """Number, title, model, state, stage, age, predicted, got, end; what has ended is dimmed, a kill is bold."""
    found, given = one.experiment, one.experiment.registration
    style = "dim" if found.state in ("killed", "dropped", "launched") else ""
    words = (
        str(found.id),
        given.title,
        found.model,
        found.state,
        one.place if one.started_at or one.stage else "-",
        age(now - found.at),
        f"{given.predicted_low:.3g}..{given.predicted_high:.3g}",
        f"{one.latest.gain:+.3g}" if one.latest else "-",
    )
    end = Text("-", style=style)
    if told is not None and one.offline is not None:
        # With too little history there is a gain, and nothing that could be said of it.
        end = Text(KILL, style="bold") if told.kill else Text(f"{told.end.expected.value:+.3g}" if told.end else "?")
    return (*(Text(visible(word), style=style) for word in words), end)


def detail(one: Life, told: Outlook | None, again: Reread | None, children: Sequence[int], stamp: Stamp) -> Text:
    """What was registered with its hash, what came of it, what history expects, what was said later."""
    found, given, page = one.experiment, one.experiment.registration, Page()
    metric = given.metric
    page.line(given.hypothesis, "bold")
    page.line(
        f"predicted {given.predicted_low:g} to {given.predicted_high:g} of {metric}, worth {given.minimum_gain:g}"
    )
    if told is not None:
        for words in outlook(told, metric):
            page.line(words, "bold" if told.kill else "")
    page.lines("results", [result(r, stamp) for r in one.results], empty="none yet: midwatch experiments result ID")
    if again is not None:
        page.head("the primary metric has rotated")
        for name, r in ((again.registered, again.under_registered), (again.now, again.under_now)):
            said = f"{r.gain:+.4g} [{r.low:.4g} {r.high:.4g}] in {r.stage}" if r else "not measured"
            page.line(f"  {name} ({'registered' if name == again.registered else 'primary now'}): {said}")
    page.lines("what happened", [event(e, stamp) for e in one.events])
    page.head("record")
    broken = wrong(found)
    page.line(f"  sha256 {found.sha256}")
    page.line(f"  {'; '.join(broken) or 'recomputed now: as registered'}", "bold" if broken else "")
    page.line(
        f"  registered {stamp(found.at)} by {found.by}, kind {given.kind}, version {found.version or 'not named'}"
    )
    page.line(f"  idea from {given.idea_from or 'nobody said'}{f', {given.link}' if given.link else ''}")
    above = f"builds on {given.parent_id}" if given.parent_id is not None else "builds on no other"
    page.line(f"  {above}; {', '.join(map(str, children)) or 'none'} built on it")
    spent = ", ".join(f"{place} {span(time)}" for place, time in one.spent.items()) or "not at all"
    page.line(f"  ran {spent}; {one.hours:g} hours booked")
    page.line(f"  {lead(one)}")
    return page.text


def outlook(told: Outlook, metric: str) -> tuple[str, ...]:
    """What history expects of an experiment, in words."""
    if told.end is None:
        return (f"at the end: {told.why_not}",)
    end, kept = told.end.expected, told.end.if_kept
    expected = f"at the end {end.value:+.4g} [{end.low:.4g} {end.high:.4g}] of {metric}"
    stays = f"{kept.value:+.4g} [{kept.low:.4g} {kept.high:.4g}] if it stays, {told.end.survival:.0%} do"
    lines = [f"{expected}; {stays}"]
    if told.kill:
        lines.append("KILL? the upper end is below what is worth a launch: f")
    return tuple(lines)


def lead(one: Life) -> str:
    """From the registration to the first result, and on to the farthest stage."""
    if one.first_result_at is None:
        return "no first result yet"
    last = "" if one.stage in (None, "test") else f", {one.stage} after {span(one.to_stage)}"
    return f"first result {span(one.to_first)} after the registration{last}"


def result(one: ExperimentResult, stamp: Stamp) -> str:
    """One result on a line."""
    rows = f", n={one.n:,}" if one.n else ""
    who = one.source_ref or f"typed by {one.by}"
    return f"{one.stage}: {one.gain:+.4g} [{one.low:.4g} {one.high:.4g}] of {one.metric}{rows}, {who}, {stamp(one.at)}"


def event(one: ExperimentEvent, stamp: Stamp) -> str:
    """One event on a line; words that came too late say so."""
    body = one.body or (f"{one.hours:g} hours" if one.hours else one.version or "")
    anew = f"; the hypothesis anew: {one.hypothesis}" if one.hypothesis else ""
    return f"{stamp(one.at)} {one.by}: {one.kind}{' RETROFITTED' if one.retrofitted else ''} {body}{anew}".rstrip()
