"""Text from outside can neither act nor break a line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from tui.present.columns import GAP, Column, layout
from tui.present.lines import HeaderState, footer_line, header_line
from tui.present.text import fit, plain, visible

BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
ANYTHING = st.text(alphabet=st.characters(), max_size=40)


@given(ANYTHING)
def test_nothing_that_acts_survives(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Co", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in BIDI


@given(ANYTHING, st.integers(0, 50), st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    assert fit(text, width, right=right).cell_len == width
    assert fit(Text(text), width, right=right).cell_len == width


def test_markup_is_text() -> None:
    assert plain("[/boom] [@click=app.exit]x[/]").plain == "[/boom] [@click=app.exit]x[/]"
    assert not plain("[b]x[/b]").spans


COLUMNS = st.lists(
    st.builds(
        Column,
        st.text("abc", min_size=1, max_size=3),
        st.just("T"),
        st.integers(1, 30),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)


@given(COLUMNS, st.integers(1, 200))
def test_columns_fit_unless_only_the_undroppable_are_left(columns: list[Column], width: int) -> None:
    placed = layout(columns, width)
    used = sum(cells for _, cells in placed) + GAP * (len(placed) - 1)
    assert used <= width or len(placed) == 1 or all(column.rank == 0 for column, _ in placed)
    assert [column for column, _ in placed] == [c for c in columns if any(c is column for column, _ in placed)]
    if any(column.grow for column, _ in placed) and used <= width:
        assert used == width


@given(ANYTHING, ANYTHING, st.integers(20, 200))
def test_header_is_one_line_of_the_screens_width(host: str, watch: str, width: int) -> None:
    line = header_line(HeaderState(host, f"/srv/{host}.db", on_watch=watch, pages=3), width)
    assert line.cell_len == width
    assert "\n" not in line.plain
    assert line.plain.startswith("midwatch RO")


def test_footer_never_drops_help() -> None:
    from tui.actions import BY_ID, here

    for width in (10, 40, 60, 80):
        assert "? help" in footer_line("Alerts", here("alerts", BY_ID), [("1", "Home")], width).plain


def test_the_most_needed_keys_and_the_panes_stand_in_a_narrow_footer() -> None:
    from tui.actions import ACTIONS, BY_ID, FOOTER, here

    assert sorted(FOOTER) == sorted(action.id for action in ACTIONS if action.footer)
    actions = [action for action in here("slices", BY_ID) if action.footer]
    for width in (60, 80):
        told = footer_line("Slices", actions, [(str(n), f"Pane {n}") for n in range(1, 9)], width).plain
        assert len(told) == width
        for entry in ("w why", "e cases", "> into", "b by", "K keep", "? help", "12345678 panes"):
            assert entry in told, (width, told)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize(
    ("pane", "wanted"),
    [
        ("stages", ("p promote", "w why", "R roll back", "? help")),
        ("experiments", ("f verdict", "n note", "x export", "? help")),
    ],
)
def test_candidates_and_experiments_show_their_keys_in_a_narrow_footer_and_first_in_the_help(
    width: int, pane: str, wanted: tuple[str, ...]
) -> None:
    from tui.actions import BY_ID, here
    from tui.screens.help import help_text

    actions = here(pane, BY_ID)
    told = footer_line(pane, [one for one in actions if one.footer], [("5", pane)], width).plain
    assert all(entry in told for entry in wanted), told
    page = help_text(pane, actions, [], mode="RW").plain
    own = sorted(page.index(f"\n  {one.shown_keys:<11}{one.help}") for one in actions if one.footer)
    assert own[-1] < page.index("\n  enter ") < page.index("\n  j ↓ ")
