"""Home: a model's line and its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from core.estimates import words
from core.home import Health, ModelLine
from storage.records.rollouts import Rollout
from tui.present.charts import MARKS, Mark, Series, breaks, change_marks, line_chart, spark
from tui.present.moments import age
from tui.present.text import put_line, visible

if TYPE_CHECKING:
    from core.suites.held_to import HeldTo
    from core.suites.rotation import EffectivePrimary

Stamp = Callable[[datetime], str]

OPEN = 18
"""Characters of the column of what is open."""

ESCALATED = 3
"""Pages that nobody answers, told one by one; how many more there are is told in one line."""


def cells(line: ModelLine, health: Health | None, now: datetime, candidates: int = 0) -> tuple[str | Text, ...]:
    """Mark and model, live version, stage, objective, age of the last batch, labels, trend, alerts and candidates."""
    pages, tickets = line.firing.get("page", 0), line.firing.get("ticket", 0)
    digests = line.firing.get("digest", 0)
    mark = "!!" if pages else "! " if tickets else "? " if line.silent else "  "
    style = "bold" if pages else ""
    version, stage = line.live or ("-", "-")
    counted = ((pages, "page"), (tickets, "tkt"), (digests, "dig"))
    opened = " ".join(f"{n} {word}" for n, word in counted if n)
    if candidates:  # alerts are never cut for it: where it does not fit a mark stands for it, and the page says it
        forms = (f"{opened} {candidates} cand".strip(), f"{opened} >", f"{opened}>")
        opened = next((form for form in forms if len(form) <= OPEN), opened)
    words = (
        mark + line.model.name,
        version,
        stage,
        no_data(health) if line.silent else objective(health, version),
        last_batch(line, now),
        f"{line.coverage.share:.0%}" if line.coverage else "-",
        trend(health) if health else "",
        opened or "-",
    )
    return tuple(Text(visible(word), style=style) for word in words)


def trend(health: Health) -> str:
    """The last mature readings in eight characters; a ``|`` where something of this very model was altered."""
    known = [point for point in health.trend if not point.immature]
    if all(point.value is None for point in known):
        return ""
    altered = breaks([p.window_start for p in known], (c.at for c in health.changes if c.model_id is not None))
    return spark([p.value for p in known], marks=altered, width=8)


def no_data(health: Health | None) -> str:
    """The first objective of a model without data: what was measured last says nothing of now."""
    return (
        "? no data"
        if health is None or health.objective.state == "no objective"
        else f"{health.objective.metric} ? no data"
    )


def objective(health: Health | None, live: str = "") -> str:
    """The first objective in a few words: never a number of too few labels, nor another version's as the live one's."""
    if health is None:
        return "..."
    told = health.objective
    if told.value is not None and told.version is not None and live not in ("", "-", told.version):
        return f"{told.metric} ? ({told.version} {told.value:.3g})"
    if told.state == "no objective":
        return "-"
    if told.value is None and health.estimate is not None and health.estimate.usable:
        return words.figure(health.estimate)
    if told.value is None:
        return f"{told.metric} ? {'no labels' if told.state == 'not enough labels' else told.state}"
    word = "ok" if told.state == "ok" else "FAIL"
    burning = f" x{told.burn_fast:.0f}" if told.burn_fast and told.burn_fast >= 2 else ""
    return f"{told.metric} {word} {told.value:.3g}{burning}"


def last_batch(line: ModelLine, now: datetime) -> str:
    """How old the last batch is; silence is said, not shown as zero."""
    if line.newest is None:
        return "none yet"
    moment = line.newest.window_end or line.newest.arrived_at
    return f"{age(now - moment)} SILENT" if line.silent else f"{age(now - moment)} ago"


def candidates_line(found: Sequence[Rollout], overrides: int) -> str:
    """Who is on the way where, and overrides that nobody has reviewed; empty without any."""
    told = [f"{one.version} in {one.stage or 'no stage yet'}" for one in found]
    said = [f"on the way: {', '.join(told)}"] if told else []
    said += [f"{overrides} OVERRIDE{'S' * (overrides > 1)} that nobody has reviewed"] if overrides else []
    return f"{'; '.join(said)}: 5" if said else ""


def held_line(held: EffectivePrimary, stamp: Stamp) -> str:
    """The primary metric, who asked for it and why; of one that was rotated in, since when and what gates keep."""
    since = f" since {stamp(held.since)}" if held.since else ""
    kept = f"; gates keep {held.registered.name}" if held.rotated else ""
    owner = f", owner {held.owner}" if held.owner else ""
    return f"primary metric {held.metric.name}{since}{owner}{f': {held.reason}' if held.reason else ''}{kept}"


def detail(
    line: ModelLine,
    health: Health | None,
    stamp: Stamp,
    width: int,
    now: datetime,
    on_the_way: str = "",
    held: HeldTo | None = None,
    budget: str = "",
    escalated: Sequence[str] = (),
) -> Text:
    """The model's page: pages nobody answers, what is live, the objective, the chart, what is missing."""
    text = Text()
    live = f"{line.live[0]} in {line.live[1]}" if line.live else "nothing is known to be live"
    others = ", ".join(f"{version} in {stage}" for version, stage in line.others)
    production = "production" if line.model.file.production else "not production"
    put_line(text, f"{live}{f'; also {others}' if others else ''}  ({line.model.file.task}, {production})")
    for sentence in escalated[:ESCALATED]:
        put_line(text, f"! {sentence}", "bold")
    if len(escalated) > ESCALATED:
        put_line(text, f"! and {len(escalated) - ESCALATED} more: 2", "bold")
    if on_the_way:
        put_line(text, on_the_way, "bold" if "OVERRIDE" in on_the_way else "")
    if budget:
        put_line(text, f"! {budget}: :quality", "bold")
    for sentence in held.parted if held else ():
        put_line(text, f"! {sentence}", "bold")
    if line.newest is not None:
        window = line.newest.window_end or line.newest.arrived_at
        every = f", usually every {age(line.every)}" if line.every else ""
        put_line(text, f"last batch {line.newest.id} up to {stamp(window)}, {line.newest.rows:,} rows{every}")
    if line.silent:
        put_line(text, "NO DATA: the next batch is overdue; nothing can be said of it, neither good nor bad", "bold")
    if health is None:
        put_line(text, "reading the metrics ...")
    else:
        _objective(text, health, stamp, width, now)
    if held is not None:
        put_line(text, held_line(held.primary, stamp))
    if line.gaps:
        put_line(text, f"NOT MONITORED: {line.model.name} has {', '.join(line.gaps)}")
    return text


def _objective(text: Text, health: Health, stamp: Stamp, width: int, now: datetime) -> None:
    told = health.objective
    bounds = f" [{told.low:.3g} {told.high:.3g}]" if told.low is not None and told.high is not None else ""
    value = "?" if told.value is None else f"{told.value:.4g}{bounds} n={told.n:,}"
    put_line(text, f"{told.metric} {value}  objective {told.objective or 'none'}  {told.state}", "bold")
    if told.note:
        put_line(text, told.note)
    if health.estimate is not None:
        put_line(text, words.sentence(health.estimate))
    if told.at is not None:
        by = f", answered by {told.version}" if told.version else ""
        put_line(text, f"the newest mature window began {stamp(told.at)}{by}; later labels are not all in yet")
    known = [point for point in health.trend if point.value is not None and not point.immature]
    if len(known) < 2:
        return
    first = known[0].window_start
    hours = {point.batch_id: (point.window_start - first).total_seconds() / 3600 for point in known}

    def place(moment: datetime) -> float:
        return (moment - first).total_seconds() / 3600

    incidents = [Mark(place(at), "*", f"{stamp(at)[5:]} {key}") for at, key in health.incidents]
    marks = (*change_marks(health.changes, place, stamp, near=now), *incidents)
    bound = None if told.objective is None else float(told.objective.split()[-1])
    drawn = line_chart(
        [Series(told.metric, "braille", [hours[p.batch_id] for p in known], [p.value for p in known])],
        width=min(width - 2, 100),
        height=9,
        ticks=[(0.0, stamp(first)[5:16]), (place(now), stamp(now)[5:16])],
        marks=marks,
        bound=bound,
        # Up to now: what was altered since the newest mature window is what nobody has labels for yet.
        span=(0.0, max(place(now), *hours.values())),
    )
    text.append(drawn + "\n")
    if len(health.changes) > MARKS:
        put_line(text, f"{len(health.changes) - MARKS} earlier changes: 8")
