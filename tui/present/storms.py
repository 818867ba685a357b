"""A storm as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.text import Text

from storage.records.alerts import Alert
from storage.records.storms import Storm, StormAnswer, StormLine
from tui.present.alerts import STATE_WORDS, TIER_MARKS
from tui.present.text import put_line, visible

Stamp = Callable[[datetime], str]


def about(head: Alert) -> str:
    """What a storm is about in a few words: the first column that is accused, and the kind of fault."""
    return f"{head.columns[0]} {head.cause}" if head.columns else head.cause


def words(line: StormLine, head: Alert, clock: Stamp) -> str:
    """A storm in one sentence: ``storm: 12 alerts in 4 models, temp unit change, since 06:00Z``."""
    where = f" in {line.models} models" if line.models > 1 else ""
    return f"storm: {line.groups} alerts{where}, {about(head)}, since {clock(line.began_at)}"


def cells(line: StormLine, head: Alert, now: datetime, clock: Stamp) -> tuple[str | Text, ...]:
    """The cells of a line of alerts, of all groups of a storm; the loudest that fires stands for it."""
    state = "firing" if line.fires else head.state_at(now)
    style = "bold" if head.tier == "page" and state == "firing" else "dim" if state != "firing" else ""
    where = f"{line.models} models" if line.models > 1 else head.model
    told = (TIER_MARKS[head.tier], STATE_WORDS[state], where, clock(line.began_at), f"x{line.alerts}", "-")
    return tuple(Text(visible(word), style=style) for word in (*told, words(line, head, clock)))


def title(storm: Storm) -> str:
    """The first line of its details."""
    return f"storm {storm.id}  {', '.join(storm.models)}"


def detail(storm: Storm, said: StormAnswer | None, now: datetime, stamp: Stamp) -> Text:
    """What it is, who answered it, and each group with why it belongs to it."""
    text = Text()
    heads = [member.head for member in storm.members]
    names = f"{len(storm.models)} models: " if len(storm.models) > 1 else ""
    put_line(text, f"{len(heads)} alerts in {names}{', '.join(storm.models)}, since {stamp(storm.began_at)}", "bold")
    firing = storm.firing(now)
    state = storm.state_at(now)
    until = f" until {stamp(storm.head.until)}" if state == "snoozed" and storm.head.until else ""
    put_line(text, f"{firing} of them fire" if firing else f"{state}{until}")
    if said is not None:
        end = f" until {stamp(said.until)}" if said.until else ""
        did = "acknowledged" if said.kind == "acknowledge" else "snoozed"
        put_line(text, f"{stamp(said.at)} {said.by} {did} all of it{end} {said.note or ''}".rstrip())
    put_line(text, "a answers all of it, enter opens it\n")
    for member in storm.members:
        head = member.head
        times = f" x{member.alerts}" if member.alerts > 1 else ""
        mark = "" if head.state_at(now) == "firing" else f" ({head.state_at(now)})"
        put_line(text, f"{TIER_MARKS[head.tier].strip()} {head.model} {head.title}{times}{mark}")
        put_line(text, f"   because: {member.why}")
    return text


def heading(storm: Storm, now: datetime, stamp: Stamp) -> Text:
    """What stands above its members."""
    text = Text()
    told = f"storm {storm.id}: {len(storm.members)} alerts, {storm.firing(now)} fire, since {stamp(storm.began_at)}"
    put_line(text, told, "bold")
    text.append("keys answer the alert under the cursor; esc, then a answers all of them")
    return text
