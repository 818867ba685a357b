"""The search over files: exact, and with a clear answer to whatever a log holds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.slices.columns import plan
from core.slices.opening import open_sides
from core.slices.search import search
from storage.errors import UsageError
from storage.logs.predicate_text import parse
from tests.core.slices.kit import NOW, brute_force, csv, of, parquet


def small(rows: int, seed: int) -> pd.DataFrame:
    """Texts, numbers, ties, missing values, and a prediction that is wrong more often in one corner."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "region": rng.choice(["NA", "EU", "APAC"], rows),
            "twin": "",
            "plan": rng.choice(["free", "pro", None], rows, p=[0.5, 0.3, 0.2]),
            "hour": rng.integers(0, 24, rows).astype(float),
            "prediction": rng.integers(0, 2, rows),
        }
    )
    frame["twin"] = frame["region"].str.lower()  # every slice of one ties with a slice of the other
    frame.loc[rng.random(rows) < 0.1, "hour"] = np.nan
    wrong = rng.random(rows) < np.where((frame["region"] == "EU") & (frame["hour"] > 12), 0.6, 0.1)
    frame["label"] = np.where(wrong, 1 - frame["prediction"], frame["prediction"])
    return frame


@pytest.mark.parametrize("seed", [1, 2])
def test_equal_to_counting_every_conjunction_also_where_identifiers_outnumber_the_rows(
    seed: int, tmp_path: Path
) -> None:
    """Published SliceLine code bounds with the number of one-hot columns where rows are meant, and loses here."""
    rows = 150
    frame = small(rows, seed)
    rng = np.random.default_rng(seed)
    for name in ("trace_id", "user_id", "session_id"):
        frame[name] = [f"{name}{i}" for i in rng.integers(0, rows, rows)]
    frame["request_id"] = [f"r{i}" for i in range(rows)]
    path = parquet(tmp_path / "log.parquet", frame)
    request = of(path, k=10, depth=3, support=1 / rows, ranking="absolute", include=("request_id", "user_id"))
    with open_sides(None, request, now=NOW) as sides:
        columns = plan(sides, request)
    assert sum(coding.size for coding in columns.codings) > rows
    page = search(None, request, now=NOW)
    wrong = (frame["prediction"] != frame["label"]).astype(int)
    expected = brute_force(frame, wrong, columns, depth=2, support=1 / rows, k=10)
    shallow = search(None, of(path, **{**vars_of(request), "depth": 2}), now=NOW)
    found = {(frozenset(line.predicates), line.rows, round(line.error, 9)) for line in shallow.slices}
    assert len(found) == 10
    assert found <= set(expected)
    assert page.slices


def vars_of(request: object) -> dict[str, object]:
    """What the tests change of a request."""
    return {name: getattr(request, name) for name in ("k", "support", "ranking", "include")}


def test_equal_to_brute_force_to_depth_three_with_ties(tmp_path: Path) -> None:
    frame = small(400, 3)
    path = csv(tmp_path / "log.csv", frame)
    request = of(path, k=12, depth=3, support=0.02, ranking="absolute")
    with open_sides(None, request, now=NOW) as sides:
        columns = plan(sides, request)
    page = search(None, request, now=NOW)
    wrong = (frame["prediction"] != frame["label"]).astype(int)
    expected = brute_force(frame, wrong, columns, depth=3, support=0.02, k=12)
    found = [(frozenset(line.predicates), line.rows, round(line.error, 9)) for line in page.slices]
    assert len(found) == 12
    assert set(found) <= set(expected)
    assert {rows for _, rows, _ in found[:1]} == {expected[0][1]}
    for line in page.slices[:2]:  # the numbers are those of the rows that the printed condition selects
        again = search(None, request.within(*line.predicates), now=NOW)
        assert (again.rows, again.overall) == (line.rows, pytest.approx(line.error))
        assert parse(line.words, sides.now.kinds) == line.predicates


ODD = {
    "strings": lambda n: [f"s{i}" for i in range(n)],
    "pairs": lambda n: [f"p{i // 2}" for i in range(n)],
    "nothing": lambda n: [None] * n,
    "constant": lambda n: [7.0] * n,
    "word": lambda n: ["same"] * n,
    "infinite": lambda n: [float("inf") if i % 3 else -1.0 for i in range(n)],
    "half": lambda n: [None if i % 2 else float(i % 5) for i in range(n)],
}


def test_odd_columns_are_left_out_with_a_word_or_searched(tmp_path: Path) -> None:
    n = 4_000
    frame = small(n, 5).assign(**{name: make(n) for name, make in ODD.items()})
    page = search(None, of(parquet(tmp_path / "log.parquet", frame), ranking="absolute"), now=NOW)
    why = dict(page.left_out)
    assert why["strings"] == "one value a row: an identifier"
    assert why["pairs"] == "no value reaches 0.01 of the rows"
    assert why["nothing"] == "always missing"
    assert why["constant"] == why["word"] == "one value in every row"
    assert why["label"] == "the label"
    assert {"infinite", "half", "region", "hour"} <= set(page.columns)
    assert page.not_answered is None
    assert any("region = EU" in line.words for line in page.slices)


def test_one_row_no_rows_no_labels_and_labels_that_can_not_be_compared(tmp_path: Path) -> None:
    frame = small(300, 7)
    one = search(None, of(csv(tmp_path / "one.csv", frame[:1])), now=NOW)
    assert one.not_answered == "one row with a signal: too few to tell a slice from chance"
    none = search(None, of(csv(tmp_path / "none.csv", frame[:0])), now=NOW)
    assert none.not_answered == "there are no rows"
    bare = frame.drop(columns=["label", "plan", "prediction"]).fillna(0)
    found = search(None, of(csv(tmp_path / "bare.csv", bare)), now=NOW)
    assert found.not_answered is not None
    assert "nothing can be measured per row: no column of predictions" in found.not_answered
    texts = frame.assign(prediction=np.linspace(-5, 9, 300), label=frame["region"])
    found = search(None, of(csv(tmp_path / "texts.csv", texts)), now=NOW)
    assert "can't be compared" in " ".join((found.why_this_signal, *found.notes))
    assert found.signal == "missing"


def test_a_label_that_is_a_string(tmp_path: Path) -> None:
    """Two classes beside scores: the one with the higher scores is the positive one, and that is said."""
    frame = small(600, 9)
    truth = frame["label"]
    scores = np.where(frame["prediction"] == 1, 0.8, 0.2)
    named = frame.drop(columns="prediction").assign(score=scores, label=np.where(truth == 1, ">50K", "<=50K"))
    page = search(None, of(csv(tmp_path / "a.csv", named), ranking="absolute"), now=NOW)
    assert page.overall == pytest.approx(float((frame["prediction"] != truth).mean()))
    assert any("'>50K' taken for the positive label" in note for note in page.notes)
    both = named.drop(columns="score").assign(prediction=np.where(frame["prediction"] == 1, ">50K", "<=50K"))
    page = search(None, of(csv(tmp_path / "b.csv", both), ranking="absolute"), now=NOW)
    assert page.overall == pytest.approx(float((frame["prediction"] != truth).mean()))


def test_a_regression_ranks_by_absolute_error_and_leaves_out_what_is_infinite(tmp_path: Path) -> None:
    frame = small(500, 11)
    predicted = np.arange(500) / 10
    off = np.where(frame["region"] == "EU", 5.0, 1.0)
    frame = frame.assign(prediction=predicted, label=predicted + off)
    frame.loc[3, "prediction"] = np.inf
    page = search(None, of(csv(tmp_path / "log.csv", frame), ranking="absolute"), now=NOW)
    assert (page.unit, page.left_out_rows) == ("absolute error", 1)
    assert page.slices[0].words in ("region = EU", "twin = eu")
    assert page.slices[0].error == pytest.approx(5.0)


def test_what_cannot_be_asked_is_said(tmp_path: Path) -> None:
    path = csv(tmp_path / "log.csv", small(100, 1))
    for options, said in (
        ({"label": "nope"}, "no column 'nope'"),
        ({"include": ("nope",)}, "no column 'nope'"),
        ({"signal": "latency"}, "no column of latencies"),
        ({"signal": "value"}, "names no business metric"),
        ({"signal": "shift"}, "no reference"),
        ({"version": "v1"}, "no column tells the version"),
        ({"support": 2.0}, "is no share"),
        ({"depth": 9}, "is not within"),
    ):
        with pytest.raises(UsageError, match=said):
            search(None, of(path, **options), now=NOW)
