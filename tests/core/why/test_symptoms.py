"""The library, and how signals make up symptoms."""

from pathlib import Path

import pytest

from core.incidents.taxonomy import parse_cause
from core.why.entries import library
from core.why.signals import SIGNALS, Signal, Signals, not_known
from core.why.symptoms import matches
from storage.errors import ModelFileError

ENTRY = """
[[symptom]]
id = "own"
title = "one of ours"
means = "something"
answer = "watch"
action = "look"
required = [{ signal = "frozen" }]
causes = [{ cause = "pipeline/data" }]
next_test = "look"
next_command = "midwatch models"
"""


def signals(**present: float | Signal) -> Signals:
    """All signals known and still, but for those named: a strength, or the signal itself."""
    found = {name: Signal(name, "as it was", 0.0, 0.0) for name in SIGNALS}
    for name, value in present.items():
        found[name] = value if isinstance(value, Signal) else Signal(name, "moved", 1.0, 0.0, value)
    return found


def told(**present: float | Signal) -> list[str]:
    return [m.symptom.id for m in matches(library(), signals(**present))]


def test_every_bundled_entry_names_causes_tests_and_moves() -> None:
    found = library()
    assert len(found) >= 18
    assert len({s.id for s in found}) == len(found)
    for symptom in found:
        assert all(parse_cause(c.cause) == c.cause for c in symptom.causes)
        assert symptom.first_moves
        assert symptom.do_not


def test_nothing_moved_is_no_symptom() -> None:
    assert told() == []
    assert told(metric_better=1.0, version_new=2.0, confidence_up=0.9, drift=0.8) == []


def test_what_follows_from_a_symptom_is_not_a_second_one() -> None:
    moved = {"inputs_moved": 5.0, "drift": 2.0, "scores_moved": 2.0, "metric_worse": 2.0, "scores_up": 3.0}
    assert told(unit_change=5.0, **moved) == ["unit-change"]


def test_two_faults_at_once_are_two_symptoms() -> None:
    assert told(unit_change=5.0, inputs_moved=5.0, scores_moved=4.0, scores_unexplained=4.0, version_new=2.0) == [
        "unit-change",
        "bad-snapshot",
    ]
    inside = Signal("null_burst", "half missing", 0.5, 0.0, 3.0, ("sess7",), "region=EU")
    assert told(unit_change=5.0, null_burst=inside, inputs_moved=5.0) == ["unit-change", "nulls-in-one-slice"]


def test_confidence_tells_leakage_from_broken_training() -> None:
    moved = {"scores_moved": 4.0, "scores_unexplained": 4.0, "version_new": 2.0}
    assert told(**moved, confidence_down=5.0) == ["bad-snapshot"]
    assert told(**moved, confidence_up=5.0) == ["leaky-version"]


def test_turned_labels_accuse_the_labels() -> None:
    assert told(labels_flipped=3.0, metric_worse=4.0, base_rate_moved=2.0, above_labels=2.0) == ["labels-flipped"]


def test_drift_without_harm_and_drift_with_it() -> None:
    assert told(drift=2.0, inputs_moved=2.0, metric_better=1.0) == ["natural-drift"]
    assert "natural-drift" not in told(drift=2.0, inputs_moved=2.0, metric_worse=3.0)


def test_what_is_not_known_neither_makes_nor_breaks_a_symptom() -> None:
    unknown = not_known("metric_worse", "not enough labels: 3 of 500")
    found = matches(library(), signals(scores_unexplained=3.0, metric_worse=unknown))
    assert [m.symptom.id for m in found] == ["bad-snapshot"]
    assert [s.name for s in found[0].unknown] == ["metric_worse"]
    assert told(metric_worse=unknown) == []


def test_what_must_not_stand_out_may_be_unknown() -> None:
    unknown = not_known("labels_flipped", "the model does not measure auc")
    assert told(known_answers_wrong=3.0, labels_flipped=unknown) == ["wrong-rows"]


def test_a_team_adds_and_replaces_entries(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENTRY)
    (tmp_path / "b.toml").write_text(ENTRY.replace('"own"', '"frozen-column"').replace("one of ours", "ours instead"))
    found = {s.id: s for s in library([tmp_path, tmp_path / "none"])}
    assert found["own"].source.endswith("a.toml")
    assert found["frozen-column"].title == "ours instead"
    assert len(found) == len(library()) + 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("frozen", "frozn", "there is no signal 'frozn'; did you mean 'frozen'?"),
        ("pipeline/data", "pipeline/dta", "did you mean 'data'?"),
        ("means =", "meanz =", "there is no key 'meanz'; did you mean 'means'?"),
        ('"watch"', '"reboot"', "answer 'reboot' is none"),
        ('{ signal = "frozen" }', '{ signal = "frozen", is = false }', "required asks for nothing to be there"),
        ('{ signal = "frozen" }', '{ signal = "frozen", weight = true }', "must be a number"),
        ("[[symptom]]", "[symptom]", "there is no [[symptom]]"),
        ("[[symptom]]", "[[symptom]", "is no TOML"),
        ('title = "one of ours"', "title = 3", "title must be a text"),
        ('causes = [{ cause = "pipeline/data" }]', "causes = []", "causes is empty"),
    ],
)
def test_an_error_names_file_and_key(tmp_path: Path, before: str, after: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(ENTRY.replace(before, after))
    with pytest.raises(ModelFileError) as caught:
        library([tmp_path])
    assert said in str(caught.value)
    assert "mine.toml" in str(caught.value)
