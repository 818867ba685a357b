import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import versions
from core.version_overview import overview
from core.versions import Sources
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.tables import audit, deployments
from tests.conftest import ADA, CHURN, NOW

STAGES = '[[stages]]\nname = "canary"\ntraffic = 0.1\n[[stages]]\nname = "full"\n'


@contextmanager
def forgotten(db: sqlite3.Connection) -> Iterator[None]:
    """Each example of a property test leaves the store as it was."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def parts(folder: Path, **bodies: str) -> Sources:
    paths = {}
    for name, body in {
        "artifact": "m",
        "data": "d",
        "config": "rate = 1",
        "environment": "numpy==2.1",
        **bodies,
    }.items():
        paths[name] = folder / f"{name}-{abs(hash(body))}"
        paths[name].write_text(body)
    return Sources(**paths, code="A" * 40, seed="7")


def test_a_version_is_five_hashes_and_a_seed_and_never_changes(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()

    def add(sources: Sources) -> versions.Added:
        return versions.add(db, model, "v1", sources, actor=ADA, now=NOW)

    first = add(parts(tmp_path))
    assert (first.changed, first.version.missing) == (True, ())
    assert first.version.hashes["code"] == "a" * 40
    assert not add(parts(tmp_path)).changed
    assert audit.verify(db).entries == 2  # the model and one version
    for part in ("artifact", "data", "config", "environment"):
        with pytest.raises(RefusedError, match="a version never changes"):
            add(parts(tmp_path, **{part: "other"}))
    with pytest.raises(RefusedError, match="another seed"):
        add(Sources(*[getattr(parts(tmp_path), n) for n in ("artifact", "data", "config", "code", "environment")], "8"))


def test_missing_parts_are_named_and_a_moving_name_is_no_code(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    added = versions.add(db, model, "v1", Sources(code="main"), actor=ADA, now=NOW)
    assert added.version.missing == ("model", "data", "config", "code", "environment", "seed")
    assert added.version.code_ref == "main"
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x")
    tree = versions.add(db, model, "v2", Sources(code=str(tmp_path / "src")), actor=ADA, now=NOW)
    assert "code" not in tree.version.missing
    with pytest.raises(UsageError, match="no version name"):
        versions.add(db, model, "../v1", Sources(), actor=ADA, now=NOW)


def test_diff_says_which_parts_keys_and_packages(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    versions.add(db, model, "v1", parts(tmp_path), actor=ADA, now=NOW)
    changed = parts(tmp_path, config="rate = 2", environment="numpy==2.2")
    versions.add(db, model, "v2", changed, actor=ADA, now=NOW)
    found = versions.diff(db, model, "v1", "v2")
    assert found.parts == {
        "model": "same", "data": "same", "config": "different", "code": "same", "environment": "different",
        "seed": "same",
    }  # fmt: skip
    assert found.config is not None
    assert [c.key for c in found.config] == ["rate"]
    assert found.packages is not None
    assert [p.name for p in found.packages] == ["numpy"]
    versions.add(db, model, "v3", parts(tmp_path, config="rate: 2"), actor=ADA, now=NOW)
    assert versions.diff(db, model, "v1", "v3").config_lines[-2:] == ("-rate = 1", "+rate: 2")


OBSERVED = st.tuples(st.sampled_from(["v1", "v2"]), st.integers(0, 9))
EVENTS = st.lists(
    st.tuples(st.sampled_from(["v1", "v2", "v3"]), st.sampled_from(["canary", "full"]), st.integers(0, 20)), max_size=8
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(events=EVENTS, minute=st.integers(-1, 21))
def test_live_is_the_last_word_before_that_minute(
    db: sqlite3.Connection, register: Callable[..., Model], events: list[tuple[str, str, int]], minute: int
) -> None:
    model = register(CHURN + STAGES)
    start = NOW - timedelta(hours=1)

    def at(m: int) -> datetime:
        return start + timedelta(minutes=m)

    with forgotten(db):
        for version, stage, when in events:
            versions.deploy(db, model, version, stage, at=at(when), actor=ADA, now=NOW)
        past = sorted((event for event in events if event[2] <= minute), key=lambda event: event[2])
        expected = {stage: version for version, stage, _ in past}
        assert {d.stage: d.version for d in versions.live(db, model, at(minute))} == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    events=st.lists(st.tuples(st.sampled_from(["v1", "v2"]), st.integers(0, 9)), max_size=8, unique_by=lambda e: e[1])
)
def test_a_log_read_twice_adds_nothing(
    db: sqlite3.Connection, register: Callable[..., Model], events: list[tuple[str, int]]
) -> None:
    model = register()

    def read(log: list[tuple[str, int]]) -> int:
        return sum(
            deployments.record_observed(db, model.id, version, "full", at=NOW + timedelta(minutes=m), now=NOW)
            for version, m in log
        )

    log = sorted(events, key=lambda e: e[1])
    with forgotten(db):
        appended = read(log)
        assert appended == sum(1 for i, e in enumerate(log) if i == 0 or log[i - 1][0] != e[0])
        assert read(log) == 0
        for version, m in log:
            assert deployments.live_at(db, model.id, NOW + timedelta(minutes=m))["full"].version == version


def test_deploy_knows_the_stages_and_the_past(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register(CHURN + STAGES)
    done = versions.deploy(db, model, "v1", "canary", actor=ADA, now=NOW)
    assert (done.traffic, done.action) == (0.1, "enter")
    assert versions.deploy(db, model, "v1", "canary", traffic=0.5, actor=ADA, now=NOW).action == "traffic"
    with pytest.raises(UsageError, match="no stage 'ful'"):
        versions.deploy(db, model, "v1", "ful", actor=ADA, now=NOW)
    with pytest.raises(UsageError, match="still to come"):
        versions.deploy(db, model, "v1", "full", at=NOW + timedelta(seconds=1), actor=ADA, now=NOW)
    assert [(s.version, s.live, s.registered) for s in overview(db, model, NOW)] == [("v1", (("canary", 0.5),), None)]
