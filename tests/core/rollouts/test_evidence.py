"""How one guardrail came to where it is, and how full its bars are."""

from __future__ import annotations

from dataclasses import replace

from core.rollouts.evidence import bars, evidence_over_time
from core.rollouts.policy import judge
from tests.core.rollouts.made_looks import events, guardrail, stage, traffic

LOOKS = [events(nth, 30, 180) for nth in range(12)]


def test_the_chart_ends_where_the_verdict_stands() -> None:
    points = evidence_over_time(stage(), [*reversed(LOOKS), traffic(0, 1_000, 9_000)], "errors")
    found = judge(stage(), LOOKS).evidence[0]
    assert [point.at for point in points] == [each.counted_at for each in LOOKS]
    last = points[-1]
    assert (last.estimate, last.low, last.high) == (found.estimate, found.low, found.high)
    assert (last.log_harm, last.log_promote) == (found.log_harm, found.log_promote)
    assert points[0].high - points[0].low > last.high - last.low


def test_the_chart_has_one_point_a_moment_and_none_for_what_says_nothing() -> None:
    shards = [replace(each, window_end=each.window_end) for each in LOOKS[:2] for _ in range(3)]
    broken = [events(20, 2_000, 180), events(21, 0, 0, of=0)]
    assert len(evidence_over_time(stage(), shards + broken, "errors")) == 2
    assert evidence_over_time(stage(), LOOKS, "unknown") == ()
    assert evidence_over_time(stage(guardrail(), guardrail("late")), LOOKS, "late") == ()


def test_bars_fill_with_the_evidence_and_a_harm_found_stays_full() -> None:
    nothing, early = judge(stage(), []).evidence[0], judge(stage(), LOOKS[:2]).evidence[0]
    assert bars(nothing) == (0.0, 0.0)
    promote, harm = bars(early)
    assert promote == 0.0
    assert 0.0 < harm < 1.0
    mended = judge(stage(), LOOKS + [events(nth, 8, 180) for nth in range(12, 130)]).evidence[0]
    assert bars(mended) == (1.0, 1.0)
