"""A watch as a person reads it: the page, the turns, how fast people answer, and past handovers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.text import Text

from core.handover_page import ENDING_SOON, HandoverPage, grouped
from core.response_times import ResponseTime
from storage.records.changes import Change
from storage.records.gates import Override
from storage.records.watches import Handover, HandoverHead, Watch, WatchAlert, WatchRollback
from tui.present.page import Page, Stamp, short, span
from tui.present.text import visible

SHOWN = 50
MEANINGS = {
    "MTTD": "onset to detected",
    "MTTA": "detected to acknowledged",
    "MTTM": "detected to mitigated",
    "MTTR": "detected to resolved",
}


def head_cells(head: HandoverHead, stamp: Stamp) -> tuple[str | Text, ...]:
    """What, from whom, to whom, until when, accepted by: one that waits for acceptance is bold."""
    words = (
        f"handover {head.id}",
        head.from_person,
        head.to_person or "-",
        short(stamp(head.watch_end)),
        head.accepted_by or "WAITS",
    )
    return tuple(Text(visible(word), style="" if head.accepted_by else "bold") for word in words)


def current(page: HandoverPage, stamp: Stamp) -> Text:
    """The page as it would be passed on now; every section is there, an empty one says so."""
    text = Page()
    text.line(f"{stamp(page.start)} to {stamp(page.end)}; {page.open_items} open items", "bold")
    sections: tuple[tuple[str, Sequence[str]], ...] = (
        ("firing, nobody has acknowledged", _alerts(page.firing, page.end)),
        ("acknowledged", _alerts(page.acknowledged, page.end)),
        ("snoozes and silences about to end", _ending(page, stamp)),
        (
            "open incidents",
            [
                f"{i.key} {i.severity or 'no severity'} {i.state} {i.owner or 'nobody'} "
                f"{span(page.end - i.detected_at)} old: {i.title}. Next: {i.next_action}"
                for i in page.incidents
            ],
        ),
        ("rollbacks unfinished", [_rollback(r) for r in page.in_flight]),
        ("typed to confirm", [_rollback(r) for r in page.overridden]),
        ("past a gate, not reviewed", [_override(o, page.end) for o in page.gates]),
        ("resolved in this watch", _alerts(page.resolved, page.end)),
        (
            "noisy alerts",
            [f"{n.model}: {n.title}: {n.alerts} alerts, acted on {n.acted}, noise {n.noise}" for n in page.noisy],
        ),
        ("what changed, newest first", [_change(c, stamp) for c in page.changes]),
    )
    for head, lines in sections:
        rest = [f"and {len(lines) - SHOWN} more: x exports the page"] if len(lines) > SHOWN else []
        text.head(f"{head} ({len(lines)})")
        for words in [*lines[:SHOWN], *rest] or ["none"]:
            text.line(f"  {words}")
    return text.text


def _override(o: Override, end: datetime) -> str:
    return f"{o.model} {o.version} {o.from_stage} -> {o.to_stage} by {o.by}, {span(end - o.at)} ago: {o.reason}"


def turns(watches: Sequence[Watch], now: datetime, path: str, stamp: Stamp) -> Text:
    """Who is on watch, who follows, and the stretches in which nobody is."""
    text = Page()
    if not watches:
        text.line("nobody can say who is on watch: there is no rotation file", "bold")
        text.line(f"write {path}, or name another with $MIDWATCH_ROTATION; see midwatch handover watch --help")
        return text.text
    first, *later = watches
    text.line(f"now: {first.who or 'NOBODY'} until {stamp(first.end)}", "bold")
    following = next((w for w in later if w.who and w.who != first.who), None)
    text.line(f"next: {following.who} from {stamp(following.start)}" if following else "next: nobody within two weeks")
    holes = [f"{stamp(w.start)} to {stamp(w.end)}, {span(w.end - w.start)}" for w in watches if w.who is None]
    text.lines("GAPS: nobody is on watch", holes)
    if not holes:
        text.line("no gap within two weeks")
    text.head("turns")
    for w in watches:
        override = " (override)" if w.override else ""
        here = ">" if w.start <= now < w.end else " "
        text.line(f"{here} {stamp(w.start)} to {stamp(w.end)}  {w.who or 'NOBODY'}{override}")
    text.line(f"from {path}", "dim")
    return text.text


def times(measured: Sequence[ResponseTime]) -> Text:
    """Medians and ninetieth percentiles, and what they don't hold: incidents that still go on."""
    text = Page()
    text.line("over all incidents but false alarms and duplicates; medians and 90th percentiles, no means", "dim")
    for t in measured:
        text.head(f"{t.name}  {MEANINGS[t.name]}")
        if t.n:
            text.line(f"  median {span(t.median)}  p90 {span(t.p90)}  over {t.n}")
        else:
            text.line("  not known yet: no incident has both moments")
        if t.censored:
            text.line(f"  {t.censored} still wait, the longest for {span(t.longest_open)}: the true times are longer")
        if t.unknown:
            text.line(f"  {t.unknown} left out: a moment is not known, or they are in the wrong order")
    return text.text


def handover(found: Handover, stamp: Stamp) -> Text:
    """A handover as it was written."""
    text = Page()
    to = found.to_person or "nobody named"
    text.line(f"from {found.from_person} to {to}, written {stamp(found.at)}", "bold")
    if found.accepted_by and found.accepted_at:
        note = f": {found.accepted_note}" if found.accepted_note else ""
        text.line(f"accepted by {found.accepted_by} {stamp(found.accepted_at)}{note}")
    else:
        text.line("waits to be accepted: a")
    text.line("")
    for words in found.body.splitlines():
        text.line(words, "bold" if words.startswith("#") else "")
    return text.text


def _alerts(alerts: Sequence[WatchAlert], end: datetime) -> list[str]:
    lines = []
    for a, count in grouped(alerts):
        by = f" by {a.by}" if a.by and a.state != "firing" else ""
        incident = f", {a.incident}" if a.incident else ", no incident"
        times = f" x{count}" if count > 1 else ""
        about = f"{a.state}{by} for {span(max(end - a.since, timedelta(0)))}{incident}"
        lines.append(f"{a.tier} {a.model}: {a.title}{times} ({about})")
    return lines


def _ending(page: HandoverPage, stamp: Stamp) -> list[str]:
    soon = page.end + ENDING_SOON
    snoozes = [(a.until, f"snooze by {a.by or '-'}: {a.model}: {a.title}") for a, _ in grouped(page.snoozed) if a.until]
    silences = [
        (s.ends_at, f"silence by {s.by}: {' '.join(filter(None, (s.model, s.check, s.column))) or 'all'}: {s.reason}")
        for s in page.silences
    ]
    return [f"{stamp(at)} {words}" for at, words in sorted(snoozes + silences) if at <= soon]


def _rollback(r: WatchRollback) -> str:
    return f"{r.kind} {r.model} {r.from_version or '?'} -> {r.to_version}: {r.state} by {r.by}: {r.reason}"


def _change(c: Change, stamp: Stamp) -> str:
    values = "" if c.before is None and c.after is None else f": {c.before or '-'} -> {c.after or '-'}"
    review = ", not reviewed" if c.unreviewed else ""
    return (
        f"{stamp(c.at)} {c.layer} {c.kind} {c.subject} of {c.model or 'every model'}{values} by {c.by or '-'}{review}"
    )
