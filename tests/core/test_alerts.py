from hypothesis import given
from hypothesis import strategies as st

from core.alerts import batch_score, group
from storage.records.results import Finding


def found(
    check: str,
    column: str | None = None,
    *,
    cause: str | None = None,
    tier: str = "ticket",
    score: float = 2.0,
    slice_: str | None = None,
    columns: tuple[str, ...] = (),
    status: str = "fail",
    error_class: str = "soft",
) -> Finding:
    evidence: dict[str, object] = {}
    if cause:
        evidence["cause"] = cause
    if columns:
        evidence["columns"] = list(columns)
    return Finding(
        check=check,
        error_class=error_class,  # type: ignore[arg-type]
        tier=tier,  # type: ignore[arg-type]
        status=status,  # type: ignore[arg-type]
        message=f"{check} {column}",
        column=column,
        slice=slice_,
        score=score,
        evidence=evidence,
    )


def test_one_column_is_one_alert_led_by_what_explains_it() -> None:
    drafts = group(
        [
            found("drift", "spend", cause="drift", tier="digest", score=9.0, error_class="drift"),
            found("unit", "spend", cause="unit change", score=3.0),
            found("bounds", "spend", cause="unit change", score=5.0),
        ],
        model="churn",
    )
    assert [d.cause for d in drafts if d.tier == "ticket"] == ["unit change"]
    assert drafts[0].columns == ("spend",)


def test_a_drift_storm_is_one_digest() -> None:
    storm = [found("drift", f"f{i}", cause="drift", tier="digest", score=i + 1, error_class="drift") for i in range(31)]
    drafts = group(storm, model="churn")
    assert len(drafts) == 1
    assert drafts[0].title.startswith("31 columns drifted together: f30, f29")


def test_many_columns_empty_in_one_slice_are_one_alert() -> None:
    nulls = [found("completeness", f"f{i}", cause="null burst", slice_="region=LATAM", score=9 - i) for i in range(4)]
    (draft,) = group(nulls, model="eta")
    assert draft.columns == ("f0", "f1", "f2", "f3")
    assert "3 more columns" in draft.title


def test_the_prediction_follows_a_broken_input_but_stands_alone_when_inputs_hold() -> None:
    moved = found("prediction", "score", cause="prediction", tier="page", score=8.0, error_class="drift")
    broken = found("unit", "spend", cause="unit change", score=3.0)
    (together,) = group([moved, broken], model="churn", prediction="score")
    assert (together.cause, together.columns[0], together.tier) == ("unit change", "spend", "page")
    storm = [found("drift", f"f{i}", cause="drift", tier="digest", error_class="drift", score=2.0) for i in range(5)]
    alone = group([moved, *storm], model="churn", prediction="score")
    assert [d.cause for d in alone] == ["prediction", "drift"]


def test_a_constant_prediction_is_never_hidden_behind_an_input() -> None:
    constant = found("constant", "score", cause="frozen", tier="page", score=9.0, error_class="hard")
    broken = found("unit", "spend", cause="unit change", score=3.0)
    assert len(group([constant, broken], model="churn", prediction="score")) == 2


def test_evidence_and_passes_never_alert() -> None:
    assert group([found("a", "x", tier="evidence"), found("b", "x", status="pass")], model="churn") == []


def test_the_group_holds_while_the_long_tail_wanders() -> None:
    first = group([found("null", "a", cause="null burst", columns=("a", "b"), score=5)], model="m")[0]
    second = group([found("null", "a", cause="null burst", columns=("a", "c"), score=5)], model="m")[0]
    assert first.group_key == second.group_key
    assert first.fingerprint != second.fingerprint


def test_a_fault_of_one_columns_level_stays_one_group_while_it_grows() -> None:
    began = found("slice_levels", "km", cause="slice shift", slice_="caller=b")
    grown = found("unit_change", "km", cause="unit change", error_class="hard")
    out = found("bounds", "km", cause="bounds")
    keys = {group([one], model="eta")[0].group_key for one in (began, grown, out)}
    assert len(keys) == 1
    assert group([found("unit_change", "minutes", cause="unit change")], model="eta")[0].group_key not in keys
    assert group([found("null", "km", cause="null burst")], model="eta")[0].group_key not in keys


findings = st.lists(
    st.builds(
        found,
        check=st.sampled_from(["drift", "unit", "null"]),
        column=st.sampled_from(["a", "b", "c", None]),
        cause=st.sampled_from(["drift", "unit change", "null burst", "prediction"]),
        tier=st.sampled_from(["page", "ticket", "digest", "evidence"]),
        score=st.floats(0.1, 50),
        slice_=st.sampled_from([None, "region=LATAM"]),
        error_class=st.sampled_from(["hard", "soft", "drift"]),
    ),
    max_size=12,
)


@given(findings)
def test_every_loud_finding_is_in_exactly_one_alert(listed: list[Finding]) -> None:
    drafts = group(listed, model="m", prediction="c")
    members = sorted(i for d in drafts for i in d.findings)
    assert members == [i for i, f in enumerate(listed) if f.tier != "evidence"]
    for draft in drafts:
        assert draft.tier == min((listed[i].tier for i in draft.findings), key=["page", "ticket", "digest"].index)


@given(findings, st.randoms())
def test_the_order_of_findings_changes_no_alert(listed: list[Finding], random: object) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    distinct = len({f.score for f in listed}) == len(listed)
    left, right = group(listed, model="m"), group(shuffled, model="m")
    assert sorted(d.tier for d in left) == sorted(d.tier for d in right)
    if distinct:
        assert {d.fingerprint for d in left} == {d.fingerprint for d in right}


def test_the_score_of_a_batch_grows_with_what_was_found() -> None:
    small = [found("drift", "a", cause="drift", tier="digest", score=1.2)]
    large = [*small, found("unit", "b", cause="unit change", score=4.0)]
    scores = [batch_score(f, group(f, model="m")) for f in ([], small, large)]
    assert scores == sorted(scores)
    assert scores[0] == 0.0
