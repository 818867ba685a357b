from hypothesis import given
from hypothesis import strategies as st

from core.alerts import batch_score, group
from core.checks.belief import DOUBT, belief, doubt, near, weight
from core.checks.registry import by_name
from storage.records.results import Finding

scores = st.floats(0.0, 10.0)


def finding(score: float, check: str = "drift", column: str = "spend", status: str = "fail") -> Finding:
    return Finding(check, "soft", "ticket", status, "", column=column, score=score)  # type: ignore[arg-type]


def test_every_doubt_is_of_a_check_that_exists() -> None:
    assert [by_name(name).name for name in DOUBT] == list(DOUBT)


@given(scores, scores)
def test_belief_grows_with_the_score_and_is_a_chance(low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert 0.0 <= belief(finding(low)) <= belief(finding(high)) <= 1.0
    assert weight(finding(low)) <= weight(finding(high))


def test_the_same_score_means_more_where_a_check_is_rarely_wrong() -> None:
    assert doubt("categories") < doubt("slice_levels")
    assert belief(finding(1.5, "categories")) > 0.9 > 0.5 > belief(finding(1.5, "slice_levels"))


@given(st.lists(scores, max_size=4), st.floats(0.0, 1.0))
def test_no_near_miss_outranks_what_was_found(found: list[float], missed: float) -> None:
    """More found never ranks a batch lower, and quiet batches are ranked by how near they came."""
    loud = [finding(1.0 + score, column=f"c{i}") for i, score in enumerate(found)]
    quiet = [finding(missed, status="pass")]
    assert near(quiet) == missed
    assert batch_score(loud, group(loud, model="m")) <= batch_score([*loud, *quiet], group(loud, model="m"))
    assert batch_score(quiet, []) <= batch_score([*quiet, finding(1.8)], group([finding(1.8)], model="m"))
