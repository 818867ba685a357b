"""The header line and the footer line, as pure functions of what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from rich.text import Text

from tui.actions import Action, ranked
from tui.present.moments import clock
from tui.present.text import cells, fit, visible


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header line shows.

    Attributes:
        host: the machine.
        store: path of the store.
        mode: ``RO`` or ``RW``.
        refreshed: when the data on the screen was read; None before the first reading.
        on_watch: who is on watch; empty when nobody is.
        rotation_broken: the rotation file can't be understood, so that nobody knows.
        pages: open alerts of tier page.
        tickets: open alerts of tier ticket.
        escalated: pages that were passed on because nobody answered them, and that nobody has answered still.
        escalated_more: more than these may be: not all were looked at.
        model: the model everything is narrowed to; empty for all.
        utc: times are shown in UTC only.
    """

    host: str
    store: str
    mode: str = "RO"
    refreshed: datetime | None = None
    on_watch: str = ""
    rotation_broken: bool = False
    pages: int = 0
    tickets: int = 0
    escalated: int = 0
    escalated_more: bool = False
    model: str = ""
    utc: bool = False


def header_line(state: HeaderState, width: int) -> Text:
    """One line of exactly ``width`` cells; parts that do not fit are left out, the least needed first.

    >>> header_line(HeaderState("prod-3", "/srv/watch.db", pages=2), 60).plain
    'midwatch RO prod-3  not read yet  nobody on watch  2 PAGE   '
    """
    counted = ((state.escalated, "ESCALATED"), (state.pages, "PAGE"), (state.tickets, "TKT"))
    open_alerts = " ".join(f"{n} {word}" for n, word in counted if n)
    if state.escalated and state.escalated_more:
        open_alerts = open_alerts.replace(" ESCALATED", "+ ESCALATED", 1)
    times = "not read yet"
    if state.refreshed is not None:
        times = clock(state.refreshed, utc=True)
        local = clock(state.refreshed, utc=False)
        times = times if state.utc or local[:5] == times[:5] else f"{times} {local}"
    watch = f"on watch: {visible(state.on_watch)}" if state.on_watch else "nobody on watch"
    if state.rotation_broken:
        watch = "rotation file broken"
    # (rank, text): the highest rank is dropped first; order is the order on the line.
    parts = [
        (0, f"midwatch {state.mode}"),
        (3, visible(state.host)),
        (4, visible(PurePath(state.store).name)),
        (1, visible(f":{state.model}") if state.model else ""),
        (1, times),
        (2, watch),
        (0, open_alerts or "nothing open"),
    ]
    kept = [part for part in parts if part[1]]
    while len(kept) > 1 and _length(kept) > width:
        kept.remove(max(kept, key=lambda part: part[0]))
        if all(rank == 0 for rank, _ in kept):
            break
    line = Text(no_wrap=True, end="")
    for place, (_, text) in enumerate(kept):
        line.append((("  " if place > 1 else " ") if place else "") + text)
    if state.pages and (start := line.plain.rfind(open_alerts)) >= 0:
        line.stylize("bold", start, start + len(open_alerts))
    return fit(line, width)


def _length(parts: list[tuple[int, str]]) -> int:
    return sum(cells(text) + 2 for _, text in parts) - 2


def footer_line(pane: str, actions: Sequence[Action], panes: Sequence[tuple[str, str]], width: int) -> Text:
    """The keys that work here, the most needed first, then the panes; what does not fit whole is left out, help never.

    >>> ack = Action("acknowledge", ("a",), "ack", "Acknowledge.", mutating=True)
    >>> footer_line("alerts", [ack], [("1", "Home")], 40).plain.rstrip()
    'a ack  ? help  1 Home'
    """
    ordered = ranked(actions)
    entries = [(action.shown_key, action.label) for action in ordered]
    entries += [("?", "help")]
    line = Text(no_wrap=True, end="")
    taken = sum(cells(key) + cells(label) + 3 for key, label in entries)
    if taken + sum(cells(key) + cells(label) + 3 for key, label in panes) > width + 2 and len(panes) > 1:
        # All panes or none by name: half a list would hide the rest.
        here = next((entry for entry in panes if entry[1] == pane), None)
        panes = [*([here] if here else []), ("".join(key for key, _ in panes), "panes")]
    reserve = len("  ? help") + (sum(cells(key) + cells(label) + 3 for key, label in panes[-1:]) if width >= 60 else 0)
    for key, label in [*entries, *panes]:
        entry = f"{'  ' if line.plain else ''}{key} {label}"
        space = width - (0 if key == "?" or "? help" in line.plain else reserve)
        if cells(line.plain) + cells(entry) > space:
            continue
        line.append(entry[: -len(label) - 1], "bold")
        line.append(f" {label}", "bold underline" if label == pane else "")
    return fit(line, width)
