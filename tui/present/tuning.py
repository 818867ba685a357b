"""Proposals of the tuner and tunings in words: one line of figures, and the sentence that makes them clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.tuner.of_alert import TuningOfAlert
from core.tuner.proposals import Candidate, Proposals
from core.tuner.standing import Standing, words
from storage.records.tunings import Tuning

HEADINGS = ("CHANGE", "ALERTS", "A WEEK", "PAGES A WEEK", "TICKETS A WEEK", "NOISE", "FAULTS KEPT", "UNJUDGED")

SHORT = ("CHANGE", "ALERTS", "A WEEK", "PAGES/W", "TICKETS/W", "NOISE", "KEPT", "UNJUDGED")
LETTERS = "abcdefgh"


def heading(found: Proposals) -> str:
    """What was found, in one sentence."""
    where = f"{found.check} on {found.column}" if found.column else found.check
    rest = f"{count(found.fired, 'alert')} rest on it, {found.noise} noise, {count(found.known, 'known fault')}"
    told = f"{where} of {found.model}: {rest}"
    return f"{told}; {found.reason}" if found.reason else told


def figures(change: str, test: Mapping[str, Any]) -> tuple[str, ...]:
    """One back-test as cells under :data:`HEADINGS`."""
    return (
        change,
        f"{test['alerts_before']} -> {test['alerts_after']}",
        rate(test, "alerts"),
        rate(test, "pages"),
        rate(test, "tickets"),
        f"-{test['noise_removed']} of {test['noise_before']}",
        f"{test['kept']}/{test['known']}",
        f"-{test['unjudged']}" + (f", +{test['new']} new" if test["new"] else ""),
    )


def rate(test: Mapping[str, Any], what: str) -> str:
    """Alerts, pages or tickets by the week before and after; a dash where the history is under a week.

    >>> rate({"pages_per_week_before": 3.25, "pages_per_week_after": 0.5}, "pages")
    '3.2 -> 0.5'
    """
    before, after = test[f"{what}_per_week_before"], test[f"{what}_per_week_after"]
    return "-" if before is None or after is None else f"{before:.1f} -> {after:.1f}"


def of_candidate(candidate: Candidate) -> tuple[str, ...]:
    """A proposal as cells."""
    return figures(candidate.words, candidate.test.document())


def count(number: int, thing: str) -> str:
    """A number of things.

    >>> count(1, "alert"), count(0, "alert")
    ('1 alert', '0 alerts')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def sentence(candidate: Candidate) -> str:
    """What a change would have done, for a person who reads no table."""
    test = candidate.test
    span = f"over {test.batches:,} batches ({test.weeks:.1f} weeks)"
    known = f"all {test.known} known faults are told as before" if test.known else "no fault is known yet"
    gone = f"; {count(test.unjudged, 'alert')} that nobody judged would be gone too" if test.unjudged else ""
    new = f"; {count(test.new, 'alert')} would be new" if test.new else ""
    return f"{span}: {test.noise_removed} of {test.noise_before} noise gone, {known}{gone}{new}"


def what(tuning: Tuning) -> str:
    """Check, column and change of a tuning."""
    where = f"{tuning.check} on {tuning.column}" if tuning.column else tuning.check
    return f"{where}: {words(tuning.change)}"


def state(tuning: Tuning, standing: Mapping[int, Standing]) -> str:
    """The state of a tuning; an accepted one that a changed model file overrules decides nothing."""
    found = standing.get(tuning.id)
    return "overruled by the model file" if found is not None and found.overruled else tuning.state


def page(found: TuningOfAlert, stamp: Callable[[datetime], str], width: int) -> str:
    """The sheet: what was found of each check, the proposals by number, and what stands by letter."""
    lines = [heading(p) for p in found.found]
    tests = [c.test for c in found.candidates]
    if tests:
        lines += [f"back-test over {tests[0].batches:,} batches ({tests[0].weeks:.1f} weeks)", ""]
        lines += table([("", *SHORT), *((str(n), *of_candidate(c)) for n, c in enumerate(found.candidates, 1))], width)
    if found.standing:
        lines += ["", "In force:"]
        for letter, one in zip(LETTERS, found.standing, strict=False):
            tuning = one.tuning
            when = stamp(tuning.accepted_at) if tuning.accepted_at else ""
            told = "  (overruled: the model file says something new)" if one.overruled else ""
            lines.append(f"{letter}  {what(tuning)}  by {tuning.accepted_by} {when}: {tuning.reason}{told}")
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Rows under each other; where a line is too wide the change stands on a line of its own above its figures."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if sum(widths) + 2 * len(widths) <= width:
        return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines = []
    for place, row in enumerate(rows):
        if place:
            lines.append(f"{row[0]}  {row[1]}")
        lines.append("   " + "  ".join(cell.ljust(w) for cell, w in zip(row[2:], widths[2:], strict=True)).rstrip())
    return lines
