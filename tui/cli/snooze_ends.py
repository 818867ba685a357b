"""Until when: a moment, a duration, or a word for one, as people type it after ``--until``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core import snoozing
from core.snoozing import UNTIL
from storage import rotation_file
from storage.records.alert_rules import AlertRules
from tui.typed_moments import ahead

UNTIL_WORDS = "8h, 2d, 2026-11-23T07:00Z, morning, shift-end or resolved."


def end_of(text: str, rules: Iterable[AlertRules], now: datetime) -> datetime:
    """The moment that is meant, on the wall clock of whoever types it.

    Raises:
        UsageError: it is no moment.
    """
    for word in UNTIL:
        if text == word:
            rotation = rotation_file.read_if_there(rotation_file.rotation_path(None)) if word == "shift-end" else None
            return snoozing.end_of(word, rules, now, rotation=rotation)
    return ahead(text, now)
