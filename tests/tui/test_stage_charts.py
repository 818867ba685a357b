"""What a candidate's line says of people, and the chart of an interval over time."""

from dataclasses import replace

from tests.tui.stage_kit import DETAIL, LINE
from tui.present import stage_charts
from tui.present import stages as present


def test_overrides_and_strays_come_first_in_what_it_waits_for() -> None:
    assert present.waits(replace(LINE, overrides_open=2)).startswith("2 overrides to review (p, r); 812 of")
    assert present.waits(replace(LINE, entered_without_gate=True)).startswith("entered a later stage without a gate; ")
    assert present.says(replace(LINE, state="stopped")) == "stopped"


def test_early_wide_intervals_do_not_squash_the_chart() -> None:
    drawn = stage_charts.chart(DETAIL.charts[0], lambda moment: f"{moment:%Y-%m-%d %H:%MZ}", 78)
    assert "left out, since they lie outside:" in drawn
    assert max(len(line) for line in drawn.splitlines()[1:]) <= 78
    low, high = stage_charts.ends(DETAIL.charts[0], DETAIL.charts[0].points[-1])
    assert low < 0.83 < 1.5 < high < 2
    one = replace(DETAIL.charts[0], points=DETAIL.charts[0].points[:1])
    assert "one look alone makes no line" in stage_charts.chart(one, lambda _: "", 78)
