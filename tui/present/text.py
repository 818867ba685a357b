"""Text from outside, made safe and made to fit: never markup, no control character reaches the terminal."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

_NAMED = {"\n": "⏎", "\t": "→", "\r": "␍", "\x1b": "␛"}
# Bidirectional controls reorder what stands around them; zero-width ones hide; the separators break a line.
_HIDDEN = frozenset(
    [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x2060, 0xFEFF]
)


def visible(text: str) -> str:
    r"""The text with every character that acts instead of showing turned into one that shows.

    C0, C1 and DEL become a symbol or ``\xNN``; bidirectional and zero-width controls, tags, private use and lone
    surrogates become ``\uNNNN``; a newline becomes ``⏎``. Letters of any script, emoji and joiners stay.

    >>> visible("a\x1b[31mred\nb")
    'a␛[31mred⏎b'
    >>> visible("abc\u202edcba\x9b")
    'abc\\u202edcba\\x9b'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its word in the singular or the plural.

    >>> counted(1, "alert"), counted(1_200, "alert"), counted(2, "batch", "batches")
    ('1 alert', '1,200 alerts', '2 batches')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _shown(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x20:
        return chr(0x2400 + code)
    if code < 0xA0:
        return f"\\x{code:02x}"
    if code in _HIDDEN or 0xD800 <= code <= 0xF8FF or 0xFFF9 <= code <= 0xFFFB:
        return f"\\u{code:04x}"
    if code >= 0xE0000:
        return f"\\U{code:08x}"
    return character


def plain(value: str | Text) -> Text:
    """A cell as Rich text that can hold no markup, action or control character.

    >>> plain("[@click=app.quit]x[/]").plain
    '[@click=app.quit]x[/]'
    """
    if isinstance(value, str):
        return Text(visible(value), no_wrap=True, end="")
    shown = visible(value.plain)
    if shown == value.plain:
        return value
    return Text(shown, style=value.style, no_wrap=True, end="")


def fit(value: str | Text, width: int, *, right: bool = False, style: str | Style = "") -> Text:
    """A cell of exactly ``width`` terminal cells: cut with ``…`` or filled with blanks.

    Wide characters count two and are never halved; combining marks count nothing and stay with their letter.

    >>> fit("calibration", 6).plain, fit("7", 3, right=True).plain, fit("日本語", 4).plain
    ('calib…', '  7', '日 …')
    """
    if width <= 0:
        return Text(end="")
    text = plain(value).copy()
    if style:
        text.stylize_before(style)
    if text.cell_len > width:
        text.truncate(width, overflow="ellipsis")
    missing = max(0, width - text.cell_len)
    if right:
        text.pad_left(missing)
    else:
        text.pad_right(missing)
    return text


def cells(text: str) -> int:
    """Width of a text on the terminal, in cells.

    >>> cells("日本"), cells("e\u0301")
    (4, 1)
    """
    return cell_len(text)


def put_line(page: Text, words: str, style: str = "") -> None:
    """Append a line to a page; newlines at its start are the page's own, all else may come from outside."""
    lead = len(words) - len(words.lstrip("\n"))
    page.append("\n" * lead + visible(words[lead:]) + "\n", style)
