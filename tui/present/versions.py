"""Versions as a person reads them: a line, a page, and the differences of two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.text import Text

from core.version_overview import VersionStatus
from core.versions import VersionDiff
from storage.records.rollbacks import Candidate
from storage.records.versions import Deployment
from tui.present.text import put_line, visible

Stamp = Callable[[datetime], str]

READY = {"green": "ready", "amber": "doubtful", "red": "NOT READY"}
"""How a fallback stands, in words."""

SHORT = 12
"""Characters of a hash that are shown."""

HISTORY = 12
"""Deployments that a page shows."""


def cells(
    model: str, status: VersionStatus, metric: float | None, clock: Stamp, *, known: bool
) -> tuple[str | Text, ...]:
    """Version, model, role, where it is live, when it last entered, readiness, metric, what is missing.

    Args:
        known: whether metric and readiness have been read yet.
    """
    role = status.registered.role if status.registered else "unregistered"
    ready = READY[status.fallback.light] if status.fallback else "-" if known or role != "fallback" else "..."
    words = (
        status.version,
        model,
        role,
        live_words(status) or "-",
        clock(status.last_live) if status.last_live else "never",
        ready,
        f"{metric:.4g}" if metric is not None else "-" if known else "...",
        f"lacks {', '.join(status.missing)}" if status.missing else "complete",
    )
    return tuple(Text(visible(word), style="bold" if status.live else "") for word in words)


def live_words(status: VersionStatus) -> str:
    """The stages it is live in, the one that serves most first, with the share where it is not all."""
    most_first = sorted(status.live, key=lambda entry: -1.0 if entry[1] is None else -entry[1])
    return ", ".join(stage if share is None or share == 1.0 else f"{stage} {share:.0%}" for stage, share in most_first)


def detail(
    status: VersionStatus,
    fallback: Candidate | None,
    difference: VersionDiff | None,
    history: Sequence[Deployment],
    stamp: Stamp,
) -> Text:
    """Fallback line, parts, what differs from the live version, and what was live when."""
    text = Text()
    put_line(text, f"live in {live_words(status)}" if status.live else "not live now", "bold")
    _fallback(text, fallback)
    found = status.registered
    if found is None:
        put_line(text, "nobody registered it: only a log or a deployment names it; midwatch versions add MODEL VERSION")
    else:
        born = f", trained {stamp(found.trained_at)}" if found.trained_at else ""
        put_line(text, f"{found.role}, registered {stamp(found.registered_at)} by {found.registered_by}{born}")
        if found.note:
            put_line(text, found.note)
        code = found.code_ref if found.code_ref != found.code_sha else None
        places = (found.model_path, found.data_path, found.config_path, code, found.environment_path)
        for (part, value), place in zip(found.hashes.items(), places, strict=True):
            put_line(text, f"{part:<12}{value[:SHORT] if value else 'MISSING':<{SHORT + 1}} {place or ''}")
        put_line(text, f"{'seed':<12}{found.seed if found.seed is not None else 'MISSING'}")
    if difference is not None:
        put_line(text, f"\nfrom {difference.before}, which is live, to {difference.after}", "bold")
        _differences(text, difference)
    put_line(text, "\nwhat was live when (newest first)", "bold")
    for row in list(reversed(history))[:HISTORY]:
        share = "" if row.traffic is None else f" {row.traffic:.0%}"
        mark = ">" if row.version == status.version else " "
        why = f": {row.reason}" if row.reason else ""
        put_line(text, f"{mark} {stamp(row.at)} {row.version} {row.action} {row.stage}{share} by {row.by}{why}")
    if not history:
        put_line(text, "  nothing is known to have been live")
    elif len(history) > HISTORY:
        put_line(text, f"  and {len(history) - HISTORY} more; at any minute: midwatch live MODEL --at T")
    return text


def diff(found: VersionDiff) -> Text:
    """The differences of two versions."""
    text = Text()
    _differences(text, found)
    return text


def _differences(text: Text, found: VersionDiff) -> None:
    for word in ("different", "unknown", "same"):
        parts = [part for part, is_ in found.parts.items() if is_ == word]
        if parts:
            put_line(text, f"{word}: {', '.join(parts)}", "bold" if word == "different" else "")
    if found.parts["seed"] == "different":
        put_line(text, f"seed {found.seed_before} -> {found.seed_after}")
    for title, changes in (
        ("config", [(c.key, c.before, c.after) for c in found.config or ()]),
        ("environment", [(c.name, c.before, c.after) for c in found.packages or ()]),
    ):
        if changes:
            put_line(text, f"{title}:")
        for name, before, after in changes:
            put_line(text, f"  {name}: {_or_none(before)} -> {_or_none(after)}")
    if found.config_lines:
        put_line(text, "config (neither TOML nor JSON: line by line):")
        for changed in found.config_lines:
            put_line(text, f"  {changed}")


def _fallback(text: Text, fallback: Candidate | None) -> None:
    if fallback is None:
        put_line(text, "fallback: this model names none")
        return
    why = "; ".join(fallback.reasons)
    put_line(text, f"fallback {fallback.version}: {READY[fallback.light]}{f': {why}' if why else ''}")


def _or_none(value: str | None) -> str:
    return "(none)" if value is None else value
