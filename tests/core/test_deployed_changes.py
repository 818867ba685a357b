import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from core import versions
from core.changes import deployed as deployed_changes
from core.changes import feed as use
from storage.records.changes import ChangeFilter, Difference
from storage.records.models import Model
from storage.tables import change_details, changes
from tests.conftest import ADA, CHURN, NOW

STAGES = '[[stages]]\nname = "canary"\ntraffic = 0.1\n[[stages]]\nname = "full"\n'


def build(db: sqlite3.Connection, model: Model, folder: Path, name: str, **bodies: str) -> None:
    paths = {}
    for part, body in {
        "artifact": "m",
        "data": "d",
        "config": "rate = 1",
        "environment": "numpy==2.1",
        **bodies,
    }.items():
        paths[part] = folder / f"{name}-{part}"
        paths[part].write_text(body)
    versions.add(db, model, name, versions.Sources(**paths, code="a" * 40, seed="7"), actor=ADA, now=NOW)


def test_a_deployment_tells_the_keys_that_differ_and_flags_the_rest(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN + STAGES)
    build(db, model, tmp_path, "v1")
    for minute, version, stage in ((1, "v1", "full"), (2, "v2", "canary"), (3, "v2", "full")):
        at = NOW + timedelta(minutes=minute)
        versions.deploy(db, model, version, stage, at=at, actor=ADA, now=at)
    first, canary, full = changes.feed(db, descending=False, where=ChangeFilter(registrations=False))
    assert (first.before, canary.before, full.before) == (None, None, "v1 traffic 1.0")
    assert deployed_changes.details(db, full) is None  # nobody has registered v2 yet
    build(db, model, tmp_path, "v2", config="rate = 2\nwarm = true", data="other", environment="numpy==2.2")
    canary, full = (changes.get(db, "deployments", c.id) for c in (canary, full))
    for told in (canary, full):
        assert (told.size, told.also, told.in_keys, told.large) == (3, ("data",), True, False)
    found = deployed_changes.details(db, canary)
    assert found is not None
    assert found.against == "v1"
    assert found.differences == (
        Difference("config", "rate", "1", "2"),
        Difference("config", "warm", None, "true"),
        Difference("environment", "numpy", "2.1", "2.2"),
    )
    assert deployed_changes.describe(db, model, now=NOW) == 0
    assert change_details.of(db, "deployments", first.id) is None
    registered = [c for c in changes.feed(db) if c.table == "versions"]
    assert [c.subject for c in registered] == ["v2 registered", "v1 registered"]
    assert "versions" not in {c.table for c in use.between(db, model.id, NOW, NOW + timedelta(hours=1))}


def test_what_cannot_be_compared_is_unknown_and_has_no_size(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    build(db, model, tmp_path, "v1")
    versions.add(db, model, "v2", versions.Sources(seed="8"), actor=ADA, now=NOW)
    for minute, version in ((1, "v1"), (2, "v2")):
        at = NOW + timedelta(minutes=minute)
        versions.deploy(db, model, version, "full", at=at, actor=ADA, now=at)
    change = changes.feed(db)[0]
    found = deployed_changes.details(db, change)
    assert found is not None
    assert change.size is None
    assert found.unknown == ("model", "data", "config", "code", "environment")
    assert found.differences == (Difference("seed", "", "7", "8"),)


def test_lines_are_counted_where_a_configuration_has_no_keys(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    build(db, model, tmp_path, "v1", config="rate: 1\nwarm: no\n")
    build(db, model, tmp_path, "v2", config="rate: 2\nwarm: no\n")
    found = deployed_changes.of_versions(versions.diff(db, model, "v1", "v2"))
    assert found.size == 2
    assert found.differences == (Difference("config", "", "rate: 1", None), Difference("config", "", None, "rate: 2"))
