import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.changes import environments as use
from storage import environment as world
from storage.errors import SourceError, UsageError
from storage.records.changes import Difference
from storage.tables import change_details, changes
from storage.tables.environments import sha256
from tests.conftest import ADA, NOW

BODY = {
    "package": {"numpy": "1.26.4", "rich": "14.0.0", "click": "8.1.0", "Left_Pad": "1.0"},
    "locale": {"LANG": "C.UTF-8"},
    "time zone": {"localtime": "UTC"},
    "python": {"version": "3.11.2"},
    "system": {"libc": "glibc 2.36"},
}


def altered(**sections: dict[str, str]) -> use.Body:
    return {name: {**values, **sections.get(name.replace(" ", "_"), {})} for name, values in BODY.items()}


def test_a_planted_package_bump_comes_first_and_every_weight_is_shown(db: sqlite3.Connection) -> None:
    first = use.snap(db, BODY, host="prod-3", actor=ADA, now=NOW)
    assert (first.new, first.differences) == (True, ())
    assert not use.snap(db, altered(), host="prod-3", actor=ADA, now=NOW).new
    assert changes.feed(db) == []
    moved = altered(
        package={"numpy": "2.0.1", "rich": "15.0", "click": "8.2.0"}, locale={"LANG": "de_DE"},
        time_zone={"localtime": "Europe/Berlin"}, python={"version": "3.11.9"}, system={"libc": "glibc 2.41"},
    )  # fmt: skip
    taken = use.snap(db, moved, host="prod-3", actor=ADA, now=NOW)
    assert [(d.key, d.weight) for d in taken.differences] == [
        ("numpy", 20.0), ("rich", 10.0), ("click", 7.0), ("LANG", 3.0), ("localtime", 3.0), ("version", 2.5),
        ("libc", 1.0),
    ]  # fmt: skip
    (change,) = changes.feed(db)
    assert (change.layer, change.kind, change.size, change.hosts) == ("component", "environment", 7, ("prod-3",))
    assert change.subject == "prod-3: numpy 1.26.4 -> 2.0.1 and 6 more"
    found = change_details.of(db, "changes", change.id)
    assert found is not None
    assert found.differences == taken.differences
    use.snap(db, altered(locale={"LANG": "C"}), host="prod-4", actor=ADA, now=NOW)
    assert len(changes.feed(db)) == 1  # the first of another host is no change
    assert use.find(db, "prod-4").id == use.find(db, "3").id == 3
    with pytest.raises(UsageError, match="no snapshot of a host"):
        use.find(db, "prod-5")


def test_a_setting_of_the_machine_is_infrastructure_and_what_was_not_asked_is_no_difference(
    db: sqlite3.Connection,
) -> None:
    use.snap(db, BODY, host="h", actor=ADA, now=NOW)
    less = {name: values for name, values in altered(locale={"LANG": "C"}).items() if name != "python"}
    taken = use.snap(db, less, host="h", actor=ADA, now=NOW)
    assert taken.differences == (Difference("locale", "LANG", "C.UTF-8", "C", 3.0),)
    assert changes.feed(db)[0].layer == "infrastructure"
    assert use.not_compared(BODY, less) == ("python",)


@pytest.mark.parametrize("body", [{}, {"package": []}, {"nonsense": {}}, {"package": {"a": 1}}, [], "x"])
def test_what_is_no_snapshot_is_refused(db: sqlite3.Connection, body: object) -> None:
    with pytest.raises(UsageError):
        use.snap(db, body, host="h", actor=ADA, now=NOW)  # type: ignore[arg-type]


names = st.dictionaries(st.sampled_from(["numpy", "a", "b", "c"]), st.sampled_from(["1.0", "1.1", "2.0", "x"]))


@given(names, names)
def test_differences_are_complete_ranked_and_turn_round(a: dict[str, str], b: dict[str, str]) -> None:
    found = use.differences({"package": a}, {"package": b})
    assert {d.key for d in found} == {name for name in a | b if a.get(name) != b.get(name)}
    weights = [d.weight or 0 for d in found]
    assert weights == sorted(weights, reverse=True)
    back = use.differences({"package": b}, {"package": a})
    assert {(d.key, d.before, d.after) for d in found} == {(d.key, d.after, d.before) for d in back}
    assert (sha256({"package": a}) == sha256({"package": b})) == (not found)


def test_the_machine_is_read_without_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "hunter2")
    monkeypatch.setenv("HF_TOKEN", "hunter3")
    monkeypatch.setenv("CUDA_ACCESS_KEY", "hunter4")
    found = world.machine()
    assert set(found["variable"]) >= {"OMP_NUM_THREADS"}
    assert not {"HF_TOKEN", "CUDA_ACCESS_KEY"} & set(found["variable"])
    assert "hunter" not in str(found)
    assert found["system"]["kernel"]
    code = tmp_path / "features"
    (code / "__pycache__").mkdir(parents=True)
    (code / "a.py").write_text("1")
    before = world.code_sha(code)
    (code / "__pycache__" / "a.pyc").write_text("x")
    assert world.code_sha(code) == before
    (code / "a.py").rename(code / "b.py")
    assert world.code_sha(code) != before
    with pytest.raises(SourceError, match="is not a directory"):
        world.code_sha(tmp_path / "none")


def test_an_interpreter_that_is_none_is_an_error_in_words(tmp_path: Path) -> None:
    liar = tmp_path / "python"
    for body, words in (("exit 3", "exit code 3"), ("echo '{}'", "something else"), ("sleep 9", "no answer in 0.2 s")):
        liar.write_text(f"#!/bin/sh\n{body}\n")
        liar.chmod(0o755)
        with pytest.raises(SourceError, match=words):
            world.interpreter(str(liar), seconds=0.2)
    with pytest.raises(SourceError, match="can't be run"):
        world.interpreter(str(tmp_path / "none"))
