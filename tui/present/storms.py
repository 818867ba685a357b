"""A storm as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.text import Text

from core.snoozing import UNTIL_RESOLVED
from storage.records.alerts import Alert
from storage.records.storms import Storm, StormAnswer, StormLine
from tui.present.alerts import STATE_WORDS, TIER_MARKS, quiet_until
from tui.present.text import counted, put_line, visible

Stamp = Callable[[datetime], str]
OPENS = "enter opens it"


def about(head: Alert) -> str:
    """What a storm is about in a few words: the first column that is accused, and the kind of fault."""
    return f"{head.columns[0]} {head.cause}" if head.columns else head.cause


def words(line: StormLine, head: Alert, clock: Stamp) -> str:
    """A storm in one sentence: ``storm: 12 alerts in 4 models, temp unit change, since 06:00Z``."""
    where = f" in {line.models} models" if line.models > 1 else ""
    return f"storm: {counted(line.groups, 'alert')}{where}, {about(head)}, since {clock(line.began_at)}"


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


def keys(storm: Storm, said: StormAnswer | None, now: datetime) -> str:
    """What the keys do to it as it is."""
    if storm.firing(now):
        return f"a answers all of it, {OPENS}"
    if said is not None and said.kind == "acknowledge":
        return f"a again takes it back, {OPENS}"
    return f"a asks whether to take the answers back, {OPENS}"


def answered(storm: Storm, said: StormAnswer, now: datetime, stamp: Stamp) -> str:
    """Who answered it and what of it; what fires by now is told apart: it joined louder, or fires again."""
    end = f" {quiet_until(said.until, said.note, stamp)}" if said.until else ""
    did = "acknowledged" if said.kind == "acknowledge" else "snoozed"
    firing = [member for member in storm.members if member.head.state_at(now) == "firing"]
    joined = sum(member.joined_at > said.at for member in firing)
    parts = [
        f"{counted(joined, 'louder one')} joined since" if joined else "",
        f"{again} {'fires' if again == 1 else 'fire'} again" if (again := len(firing) - joined) else "",
    ]
    there = sum(member.joined_at <= said.at for member in storm.members)
    whole = f"the {there} there were" if firing else "all of it"
    note = "" if said.note is None else said.note.removeprefix(UNTIL_RESOLVED).removeprefix("; ")
    told = f"{stamp(said.at)} {said.by} {did} {whole}{end} {note}".rstrip()
    return "; ".join(filter(None, (told, *parts)))


def detail(storm: Storm, said: StormAnswer | None, now: datetime, stamp: Stamp, *, with_keys: bool = True) -> Text:
    """What it is, who answered it, and each group with why it belongs to it."""
    text = Text()
    heads = [member.head for member in storm.members]
    names = f"{len(storm.models)} models: " if len(storm.models) > 1 else ""
    put_line(
        text,
        f"{counted(len(heads), 'alert')} in {names}{', '.join(storm.models)}, since {stamp(storm.began_at)}",
        "bold",
    )
    firing = storm.firing(now)
    state = storm.state_at(now)
    # The answer's own line says until when; a lone snooze of its first group has none.
    until = f" until {stamp(storm.head.until)}" if state == "snoozed" and storm.head.until and said is None else ""
    put_line(text, f"{firing} of them {'fires' if firing == 1 else 'fire'}" if firing else f"{state}{until}")
    if said is not None:
        put_line(text, answered(storm, said, now, stamp))
    if with_keys:
        put_line(text, keys(storm, said, now))
    text.append("\n")
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
    alerts = counted(len(storm.members), "alert")
    told = f"storm {storm.id}: {alerts}, {storm.firing(now)} firing, since {stamp(storm.began_at)}"
    put_line(text, told, "bold")
    text.append("keys answer the alert under the cursor; esc, then a answers all of them")
    return text
