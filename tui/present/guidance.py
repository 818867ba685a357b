"""What an alert means, what to do and what others did, as lines; the same on the screen and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from core.guidance import Guidance

Stamp = Callable[[datetime], str]


def about(found: Guidance) -> Iterator[tuple[str, str]]:
    """Text and style of each line: what it means and what to do."""
    for one in found.advice:
        yield f"\n{one.subject}", "bold"
        yield f"  means: {one.meaning}", ""
        yield f"  why: {one.rationale}", ""
        yield f"  do: {one.response}", ""
        if one.runbook:
            yield from _block("  runbook: ", one.runbook)
    if found.runbook:
        yield from _block("\nrunbook: ", found.runbook)
    elif not any(one.runbook for one in found.advice):
        yield "\nno runbook: [alerts] runbook in the model file takes a text or an address", ""


def history(found: Guidance, stamp: Stamp) -> Iterator[tuple[str, str]]:
    """Text and style of each line: what people did the last times, and how it ended."""
    for at, called in found.calls:
        yield f"  {stamp(at)} passed on, nobody had answered: to {called or 'nobody (no owner is named)'}", ""
    yield "\nthe last times", "bold"
    for one in found.answers:
        where = "" if one.same else f" (same cause, {one.model})"
        times = f" x{one.times}" if one.times > 1 else ""
        yield f"  {stamp(one.at)} {one.by} {one.what}{times} {one.note}".rstrip() + where, ""
    if not found.answers:
        yield "  nobody has answered this kind of alert before", ""
    for ended in found.ended:
        yield f"  {ended.key} ({ended.state}) ended such alerts: {ended.cause}: {ended.title}", ""


def _block(label: str, text: str) -> Iterator[tuple[str, str]]:
    first, *rest = text.splitlines()
    yield f"{label}{first}", ""
    for line in rest:
        yield f"    {line}", ""
