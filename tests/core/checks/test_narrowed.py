"""What a model file narrows is kept as evidence; nearer limits find more; what is hard is told all the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.narrowed import Facts, excluded, own_ratio
from core.stats.effect import log_score
from core.validate import Validation, validate
from storage import model_file
from storage.errors import ModelFileError
from storage.records.models import CheckSpec
from tests.core.checks.batches import alone, shop_day


def lost(share: float) -> tuple[dict, dict]:  # type: ignore[type-arg]
    rng = np.random.default_rng(1)
    now, before = shop_day(rng, 1, rows=1000), shop_day(rng, 0, rows=1000)
    return {**now, "age": np.where(np.arange(1000) < 1000 * share, np.nan, now["age"])}, before


def under(spec: CheckSpec | None, share: float = 0.3) -> Validation:
    now, before = lost(share)
    return validate(alone(now, before, specs=() if spec is None else (spec,)))


def age(validation: Validation, check: str = "completeness") -> list[tuple[str, object]]:
    found = [f for f in validation.findings if f.check == check and f.column == "age"]
    return [(f.tier, f.evidence.get("quiet")) for f in found]


def test_a_wider_limit_keeps_the_finding_as_evidence_with_the_reason() -> None:
    assert age(under(None)) == [("ticket", None)]
    wide = under(CheckSpec("completeness", "age", times=50.0, tier="page"))
    assert age(wide) == [("evidence", "less than 50 times its limit")]
    assert [f.evidence["tier_before"] for f in wide.findings if "quiet" in f.evidence] == ["page"]
    assert age(under(CheckSpec("completeness", "age", times=1.5))) == [("ticket", None)]
    assert age(under(CheckSpec("completeness", "income", times=50.0))) == [("ticket", None)]


def test_a_nearer_limit_finds_what_none_did() -> None:
    assert age(under(None, 0.03)) == []
    near = under(CheckSpec("completeness", times=0.2), 0.03)
    (found,) = [f for f in near.findings if f.check == "completeness" and f.column == "age"]
    assert found.evidence["times"] == 0.2
    assert 0.2 < own_ratio(found.score, 0.2) < 1.0


def test_rows_touched_rows_of_a_batch_and_hours() -> None:
    assert age(under(CheckSpec("completeness", minimum_touched=301)))[0][0] == "evidence"
    assert age(under(CheckSpec("completeness", minimum_touched=300)))[0][0] == "ticket"
    assert age(under(CheckSpec("completeness", minimum_rows=1001)))[0][0] == "evidence"
    assert age(under(CheckSpec("completeness", hours="03-05"))) == [("ticket", None)]  # no window, so no hour
    assert age(under(CheckSpec("completeness", batches_in_a_row=3))) == [("ticket", None)]  # a file has no past


def test_a_hard_finding_is_told_all_the_same() -> None:
    spec = CheckSpec("bounds", "age", maximum=60.0, times=1000.0, minimum_touched=10_000)
    assert age(under(spec, 0.0), "bounds") == [("ticket", None)]


FACTS = st.builds(
    Facts,
    st.floats(0, 100),
    st.none() | st.sampled_from(["region=EU"]),
    st.none() | st.integers(0, 500),
    st.integers(0, 5000),
    st.none() | st.integers(0, 23),
    st.none() | st.integers(1, 5),
)


@given(FACTS, st.floats(1, 50), st.floats(1, 2))
def test_a_wider_limit_never_tells_more(facts: Facts, times: float, more: float) -> None:
    if excluded(CheckSpec("drift", times=times), facts):
        assert excluded(CheckSpec("drift", times=times * more), facts)
    assert excluded(CheckSpec("drift"), facts) is None


@given(st.floats(0, 8000))
def test_a_score_tells_its_ratio(ratio: float) -> None:
    assert own_ratio(log_score(ratio), None) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("times = 0.0", "times"),
        ("times = inf", "times"),
        ("minimum_rows = 0", "minimum_rows"),
        ('hours = "6-22"', "hours"),
        ('hours = "08-08"', "hours"),
        ("batches_in_a_row = -1", "batches_in_a_row"),
        ("except_slices = [1]", "except_slices"),
    ],
)
def test_a_key_that_means_nothing_is_named(keys: str, told: str) -> None:
    text = (
        f'name = "a"\ntask = "binary"\n[columns]\ntime = "t"\nprediction = "p"\n[[checks]]\ncheck = "drift"\n{keys}\n'
    )
    with pytest.raises(ModelFileError, match=told):
        model_file.parse(text, "a.toml")
