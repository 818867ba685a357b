from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from storage.records.changes import Change
from tui.present.charts import MARKS, Mark, Series, breaks, change_marks, line_chart, spark

START = datetime(2026, 11, 20, 3, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def change(number: int, hours: float, reviewed_by: str | None = "lin", subject: str = "rate") -> Change:
    return Change(
        "changes", number, "run", "config", subject, 1, "churn", None, None, 1, reviewed_by, at(hours), "lin", "ci"
    )


def marked(*changes: Change, near: float = 10.0) -> tuple[Mark, ...]:
    def hours(moment: datetime) -> float:
        return (moment - START).total_seconds() / 3600

    return change_marks(changes, hours, lambda moment: f"{moment:%Y-%m-%d %H:%MZ}", near=at(near))


def test_changes_are_lettered_nearest_first_and_named_in_the_legend() -> None:
    marks = marked(change(1, 2), change(2, 9), change(3, 9, None), near=10)
    assert [(m.letter, m.x) for m in marks] == [("a", 9.0), ("b", 9.0), ("c", 2.0)]
    assert marks[0].legend == "11-20 12:00Z run config rate NOT REVIEWED"
    assert len(marked(*(change(n, n) for n in range(20)))) == MARKS


def test_a_chart_has_a_letter_under_the_axis_where_the_change_was_without_any_colour() -> None:
    series = [Series("auc", "braille", [0.0, 5.0, 10.0], [0.7, 0.71, 0.5])]
    hostile = change(1, 5, subject="\x1b[31m[/red]\n")
    marks = marked(hostile, change(2, 5), change(3, 0), change(4, 99))
    drawn = line_chart(series, width=60, height=8, marks=marks, span=(0.0, 10.0))
    assert "\x1b" not in drawn
    lines = drawn.splitlines()
    axis = next(n for n, line in enumerate(lines) if "└" in line)
    left, right = lines[axis].index("└"), lines[axis].index("┘")
    letters = lines[axis + 1]
    assert letters.strip().replace(" ", "") == "ca"  # b shares a's column; d is outside of the axis
    assert letters.index("c") == left + 1
    assert abs(letters.index("a") - (left + right) / 2) <= 1
    assert all(line[letters.index("a")] in "│┬┴┼├┤⣀⠤⠒⠉⡀⠔" or line[letters.index("a")] > "⠀" for line in lines[:axis])
    legend = lines[-3:]
    assert [line.split()[0] for line in legend] == ["a", "a", "c"]
    assert "␛[31m[/red]⏎" in legend[0]
    assert max(map(len, lines)) <= 60


def test_a_chart_without_marks_is_as_it_was() -> None:
    series = [Series("auc", "braille", [0.0, 1.0], [0.7, 0.5])]
    assert len(line_chart(series, width=40, height=6, ticks=[(0.0, "then")]).splitlines()) == 6


@given(st.lists(st.floats(0, 1), max_size=20), st.sets(st.integers(1, 20)), st.integers(1, 12))
def test_a_sparkline_keeps_its_values_beside_the_marks(values: list[float], places: set[int], width: int) -> None:
    drawn = spark(values, marks=places, width=width)
    whole = spark(values, marks=places, width=99)
    assert whole.replace("|", "") == spark(values)
    assert drawn == whole[-width:]
    assert whole.count("|") == sum(place <= len(values) for place in places)


def test_a_break_stands_before_the_first_point_after_the_change() -> None:
    moments = [at(0), at(1), at(2)]
    assert breaks(moments, [at(-1), at(0)]) == frozenset()
    assert breaks(moments, [at(0.5), at(1), at(2.5)]) == {1, 3}
    assert breaks([], [at(0)]) == frozenset()
