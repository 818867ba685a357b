"""Squeezed output draws the same screen as Textual's own."""

import pyte
from hypothesis import given
from hypothesis import strategies as st

from tui.present.text import cells
from tui.squeeze import squeeze

STYLES = st.sampled_from(["39;49", "49", "1;39;49", "7;39;49", "4;39;49", "31;49", "1;33;44", "2;39;41", "38;5;49;49"])
TEXTS = st.lists(st.sampled_from(["x", " ", " " * 9, " " * 10, " " * 33, "日本", "e\u0301", "wörd"]), max_size=6).map(
    "".join
)
RUNS = st.lists(st.tuples(STYLES, TEXTS), max_size=4)
LINES = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 60), RUNS), min_size=1, max_size=20)


def picture(data: str) -> list[list[object]]:
    screen = pyte.Screen(80, 12)
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l" + "#" * 79 + "\r\n" + ("old" * 26 + "\r\n") * 10)
    stream.feed(data)
    return [[screen.buffer[y][x] for x in range(80)] for y in range(12)]


@given(LINES)
def test_the_picture_is_the_same(lines: list[tuple[int, int, list[tuple[str, str]]]]) -> None:
    data = ""
    for row, column, runs in lines:
        # Textual never writes past the right edge.
        if column + sum(cells(text) for _, text in runs) <= 81:
            data += f"\x1b[{row};{column}H" + "".join(f"\x1b[{style}m{text}\x1b[0m" for style, text in runs)
    squeezed = squeeze(data)
    assert picture(squeezed) == picture(data)
    assert len(squeezed) <= len(data)


def test_strings_for_the_terminal_pass_untouched() -> None:
    data = "\x1b]52;c;aGk=\x07\x1b[39;49m" + " " * 40 + "\x1b[0m"
    assert squeeze(data) == data
