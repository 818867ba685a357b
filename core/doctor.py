"""What may be wrong with the store, the host and the set-up, each with what to do."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.rollback.actuation import actuator_of
from storage import file_system, integrity
from storage.errors import MidwatchError
from storage.records.models import Model
from storage.tables import audit, models, versions

Light = Literal["green", "amber", "red"]
LOW_DISK = 500_000_000
_LATEST_FILES = "SELECT id, path FROM batches WHERE model_id = ? AND role = 'serving' ORDER BY id DESC LIMIT 20"
_OPEN_ROLLBACKS = "SELECT count(*) FROM rollback_state WHERE state IN ('planned', 'started', 'actuated', 'unknown')"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at: what was found, and what to do unless it is green."""

    subject: str
    light: Light
    found: str
    remedy: str = ""


def examine(db: sqlite3.Connection, path: Path, environment: Mapping[str, str]) -> list[Diagnosis]:
    """Everything that is looked at, in the order in which it matters."""
    return [
        _store(db, path),
        _chain(db),
        _disk(path),
        _journal(path),
        _rollbacks(db),
        *_models(db),
        _terminal(environment),
    ]


def _store(db: sqlite3.Connection, path: Path) -> Diagnosis:
    problems = integrity.problems(db)
    if problems:
        return Diagnosis("store", "red", f"{path}: {problems[0]}", "restore a copy; keep the damaged file")
    size = path.stat().st_size / 1e6
    rights = "" if file_system.writable(path) else ", read-only for you"
    return Diagnosis("store", "green", f"{path}, {size:.1f} MB, intact{rights}")


def _chain(db: sqlite3.Connection) -> Diagnosis:
    verdict = audit.verify(db)
    if verdict.broken_at is not None:
        return Diagnosis("audit", "red", f"entry {verdict.broken_at}: {verdict.reason}", "someone changed the record")
    return Diagnosis("audit", "green", f"{verdict.entries} entries, chain intact")


def _disk(path: Path) -> Diagnosis:
    system = file_system.under(path)
    if system.network:
        return Diagnosis(
            "disk",
            "amber",
            f"the store lies on {system.kind} at {system.mount}",
            "keep it on a local disk: --store PATH",
        )
    if system.free < LOW_DISK:
        return Diagnosis("disk", "amber", f"{system.free / 1e6:.0f} MB free at {system.mount}", "free some space")
    return Diagnosis("disk", "green", f"{system.kind}, {system.free / 1e9:.1f} GB free at {system.mount}")


def _journal(path: Path) -> Diagnosis:
    if integrity.journal_left(path):
        return Diagnosis("journal", "amber", "a transaction is under way, or was cut off", "opening the store mends it")
    return Diagnosis("journal", "green", "no unfinished transaction")


def _rollbacks(db: sqlite3.Connection) -> Diagnosis:
    unfinished = int(db.execute(_OPEN_ROLLBACKS).fetchone()[0])
    if unfinished:
        return Diagnosis("rollbacks", "amber", f"{unfinished} not finished", "open midwatch: it asks the verifier")
    return Diagnosis("rollbacks", "green", "none unfinished")


def _models(db: sqlite3.Connection) -> list[Diagnosis]:
    registered = models.list_all(db)
    if not registered:
        return [Diagnosis("models", "amber", "none registered", "midwatch init MODEL.toml")]
    found = []
    for model in registered:
        file = Path(model.path)
        gone = [r["path"] for r in db.execute(_LATEST_FILES, (model.id,)) if not Path(r["path"]).exists()]
        if not file.exists():
            light = Diagnosis(
                f"model {model.name}", "amber", f"{model.path} is gone", "register it from where it is now"
            )
        elif hashlib.sha256(file.read_bytes()).hexdigest() != model.sha256:
            light = Diagnosis(
                f"model {model.name}", "amber", f"{model.path} has changed since", f"midwatch init {model.path}"
            )
        elif gone:
            light = Diagnosis(
                f"model {model.name}",
                "amber",
                f"{len(gone)} of its latest logs are gone, as {gone[0]}",
                "rows can't be shown",
            )
        elif (problem := _rollback_problem(db, model)) is not None:
            light = Diagnosis(f"model {model.name}", "amber", problem, "R could not roll back as it is")
        elif model.file.rollback is None:
            light = Diagnosis(
                f"model {model.name}", "amber", "no [rollback]: R would only record", "add one to its file"
            )
        else:
            light = Diagnosis(f"model {model.name}", "green", "model file in force, logs in place")
        found.append(light)
    return found


def _rollback_problem(db: sqlite3.Connection, model: Model) -> str | None:
    """Why the model's rollback could not work, found out in daylight: by planning one, which only reads."""
    if model.file.rollback is None:
        return None
    fallback = model.file.rollback.fallback
    if fallback is not None and versions.find(db, model.id, fallback) is None:
        return f"the fallback {fallback!r} is not registered"
    try:
        actuator_of(db, model).plan(fallback or "v0")
    except MidwatchError as error:
        return str(error)
    return None


def _terminal(environment: Mapping[str, str]) -> Diagnosis:
    term = environment.get("TERM", "")
    if term in ("", "dumb"):
        return Diagnosis("terminal", "amber", f"TERM={term or 'unset'}", "the screen needs a terminal; commands work")
    inside = "inside tmux" if environment.get("TMUX") else "inside screen" if environment.get("STY") else "plain"
    return Diagnosis("terminal", "green", f"{term}, {inside}")
