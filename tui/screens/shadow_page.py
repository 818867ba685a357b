"""The shadow report of a candidate as a file, for the pane of stages."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from storage.errors import SourceError
from storage.tables import models, rollouts


def write(db: sqlite3.Connection, rollout_id: int, *, store: Path, dump: Path, now: datetime) -> Path:
    """Write the page of a rollout beside the store's reports, or into ``dump``; runs in a thread.

    Raises:
        SourceError: neither can be written.
    """
    from core.rollouts.gate_says import gate_says
    from core.shadow.compare import compare
    from core.shadow.report import report
    from storage.reports import report_path, write_report

    rollout = rollouts.get(db, rollout_id)
    model = models.get_by_id(db, rollout.model_id)
    made = report(compare(db, model, rollout, now=now), now=now, gate=gate_says(db, model, rollout, now=now))
    try:
        return write_report(report_path(store, made.name), made.markdown)
    except SourceError:
        # Who may only read the store may still want a report.
        return write_report(dump / made.name, made.markdown)
