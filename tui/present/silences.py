"""Silences as a person reads them, and what one would hide before it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from rich.text import Text

from core.alert_answers import SilencePreview
from storage.records.alerts import Alert, Silence
from tui.present.text import counted, put_line, visible

Stamp = Callable[[datetime], str]
LISTED = 12
"""Lines of a preview; the rest is counted."""


def where(silence: Silence, names: Mapping[int, str]) -> str:
    """What a silence meets, in words."""
    model = "every model" if silence.model_id is None else names.get(silence.model_id, "?")
    return " ".join(filter(None, (model, silence.check, silence.column)))


def cells(
    silence: Silence, names: Mapping[int, str], now: datetime, stamp: Stamp, hides: int
) -> tuple[str | Text, ...]:
    """What it meets, its end, its author, how much it hides now, and why."""
    over = not silence.active(now)
    end = "ended" if silence.ended_at else stamp(silence.ends_at)
    told = (where(silence, names), end, silence.by, str(hides), silence.reason)
    return tuple(Text(visible(word), style="dim" if over else "") for word in told)


def detail(silence: Silence, names: Mapping[int, str], hidden: Sequence[Alert], now: datetime, stamp: Stamp) -> Text:
    """What it hides at this moment, and how it ends."""
    text = Text()
    put_line(text, where(silence, names), "bold")
    put_line(text, f"by {silence.by} since {stamp(silence.starts_at)} until {stamp(silence.ends_at)}")
    put_line(text, f"because: {silence.reason}")
    put_line(text, f"when it was made it met {silence.preview_count} alerts of the seven days before")
    if silence.ended_at:
        put_line(text, f"ended before its time, {stamp(silence.ended_at)}")
    elif silence.active(now):
        put_line(text, "what is louder, of class hard or burns an error budget breaks through; z ends it now")
    put_line(text, f"\nit hides {counted(len(hidden), 'open group')}", "bold")
    for alert in hidden[:LISTED]:
        put_line(text, f"  {alert.tier} {alert.model} {alert.title}")
    if len(hidden) > LISTED:
        put_line(text, f"  and {len(hidden) - LISTED} more")
    return text


def preview(would: SilencePreview, words: str, until: str, reason: str) -> Text:
    """What a silence would have hidden, before it is made."""
    text = Text()
    put_line(text, f"{words}, until {until}", "bold")
    put_line(text, f"because: {reason}")
    put_line(text, f"it {would.words}")
    for alert, tier, title in would.matched[:LISTED]:
        put_line(text, f"  {tier} {title}{' (breaks through)' if alert in would.through else ''}")
    if len(would.matched) > LISTED:
        put_line(text, f"  and {len(would.matched) - LISTED} more")
    put_line(text, "\nwhat is louder than this, of class hard or burns an error budget breaks through")
    return text
