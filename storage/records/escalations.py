"""Pages that were passed on because nobody answered them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Escalation:
    """One time that a page was passed on.

    Attributes:
        subject: the group of alerts, or the storm, that nobody answered.
        since: when it began to fire.
        number: which time it was, from 1.
        called: who is called; None when the model file names nobody.
    """

    id: int
    subject: str
    since: datetime
    number: int
    alert_id: int
    called: str | None
    at: datetime
