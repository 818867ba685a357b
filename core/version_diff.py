"""What differs between two versions, part by part and key by key."""

from __future__ import annotations

import difflib
import sqlite3
from dataclasses import dataclass

from core.config_diff import KeyChange, PackageChange, configs, packages
from storage.records.models import Model
from storage.records.versions import PARTS
from storage.tables import versions


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What differs between two versions of a model.

    Attributes:
        parts: for each of the five parts and the seed ``same``, ``different`` or ``unknown`` (missing on a side).
        config: key by key where both sides are TOML or JSON, else None with ``config_lines``.
        packages: what the environments pin differently; None when a side has no text.
    """

    model: str
    before: str
    after: str
    parts: dict[str, str]
    config: tuple[KeyChange, ...] | None
    config_lines: tuple[str, ...]
    packages: tuple[PackageChange, ...] | None
    seed_before: str | None
    seed_after: str | None


def diff(db: sqlite3.Connection, model: Model, before: str, after: str) -> VersionDiff:
    """Compare two registered versions.

    Raises:
        UsageError: one of them is not registered.
    """
    a, b = versions.get(db, model.id, before), versions.get(db, model.id, after)
    parts = {part: _compared(a.hashes[part], b.hashes[part]) for part in PARTS}
    parts["seed"] = _compared(a.seed, b.seed)
    keys: tuple[KeyChange, ...] | None = None
    lines: tuple[str, ...] = ()
    if a.config_text is not None and b.config_text is not None:
        keys = configs(a.config_text, b.config_text)
        if keys is None:
            lines = tuple(_lines(a.config_text, b.config_text, before, after))
    both = a.environment_text is not None and b.environment_text is not None
    return VersionDiff(
        model=model.name,
        before=before,
        after=after,
        parts=parts,
        config=keys,
        config_lines=lines,
        packages=packages(a.environment_text or "", b.environment_text or "") if both else None,
        seed_before=a.seed,
        seed_after=b.seed,
    )


def _compared(a: str | None, b: str | None) -> str:
    if a is None or b is None:
        return "unknown"
    return "same" if a == b else "different"


def _lines(a: str, b: str, before: str, after: str) -> list[str]:
    return list(difflib.unified_diff(a.splitlines(), b.splitlines(), before, after, lineterm="", n=1))
