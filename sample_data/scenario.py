"""The whole scenario: three models, a month, planted faults. README.md tells what must be said of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sample_data import history
from sample_data.assistant import generate_assistant
from sample_data.churn import generate_churn
from sample_data.eta import generate_eta
from sample_data.experiments import experiments
from sample_data.model_files import write_model_file
from sample_data.records import Scenario

END = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ROWS = {"churn": 800, "eta": 500, "assistant": 350}
SMALL_ROWS = {"churn": 240, "eta": 200, "assistant": 160}
LEAST_DAYS = 20  # enough days for a reference, mature labels, and faults that begin after both


def generate(
    directory: Path,
    *,
    seed: int = 7,
    end: datetime = END,
    days: int = 30,
    small: bool = False,
    planted: bool = True,
) -> Scenario:
    """Writes the files of a scenario under `directory` (created if need be) and tells what they are.

    `end` is when the engineer opens the program: an aware time on a whole ten minutes; everything else is placed
    relative to it, and days begin three hours before it. The same seed, end and days give the same values, and the
    same bytes in CSV and JSON lines. `small` writes fewer rows a file, for tests. Without `planted` the same rows are
    drawn and no fault is put into them. ValueError for an `end` or `days` (20 to 365) that cannot be.
    """
    if end.tzinfo is None or end.utcoffset() is None:
        raise ValueError("end must be an aware time")
    end = end.astimezone(UTC)
    if end.minute % 10 or end.second or end.microsecond:
        raise ValueError(f"end must be on a whole ten minutes, not {end.isoformat()}")
    if not LEAST_DAYS <= days <= 365:
        raise ValueError(f"days must be from {LEAST_DAYS} to 365, not {days}")
    directory = directory.absolute()
    rows = SMALL_ROWS if small else ROWS
    told = [
        make(directory, seed=seed, end=end, days=days, rows=rows[name], planted=planted)
        for name, make in (("churn", generate_churn), ("eta", generate_eta), ("assistant", generate_assistant))
    ]
    for model, _ in told:
        write_model_file(model.model_file, model.name, model.pointer)
    feed, turns = history.changes(end, planted), history.watches(end)
    changes_file, rotation_file = directory / "changes.jsonl", directory / "rotation.toml"
    history.write_changes(changes_file, feed)
    history.write_rotation(rotation_file, turns)
    return Scenario(
        directory=directory,
        seed=seed,
        start=end - timedelta(days=days, hours=3),
        end=end,
        models=tuple(model for model, _ in told),
        changes_file=changes_file,
        changes=feed,
        rotation_file=rotation_file,
        watches=turns,
        incidents=history.incidents(end),
        experiments=experiments(end, planted),
        faults=tuple(fault for _, faults in told for fault in faults),
    )


def lose_artifacts(scenario: Scenario) -> tuple[Path, ...]:
    """Deletes the artifacts marked as lost and returns their paths; to be called once the versions are registered."""
    versions = [version for model in scenario.models for version in model.versions]
    paths = tuple(artifact.path for version in versions for artifact in version.artifacts if artifact.lost)
    for path in paths:
        path.unlink(missing_ok=True)
    return paths


def whole_ten_minutes(now: datetime) -> datetime:
    """The latest whole ten minutes at or before `now`, for an `end` that is fresh.

    >>> whole_ten_minutes(datetime(2026, 11, 23, 3, 7, 9, tzinfo=UTC)).isoformat()
    '2026-11-23T03:00:00+00:00'
    """
    return now.replace(minute=now.minute - now.minute % 10, second=0, microsecond=0)
