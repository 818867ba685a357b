"""Fewer bytes for the same picture: Textual writes blanks as blanks and names the default colours in every segment."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"\x1b\[([\d;]+)m([^\x1b]*)\x1b\[0m")
"""What Textual writes for a run of one style: attributes, text, reset; so every run begins at the default style."""

_BLANKS = re.compile(r" {10,}")


def squeeze(data: str) -> str:
    r"""The same screen in fewer bytes.

    The default colours (39, 49) are left out, since every run begins with them, and a run of ten and more blanks in
    the default style becomes "erase n cells, go n cells right", which needs no knowledge of where the cursor is.
    Runs with a background, reverse or underline keep their blanks.

    >>> squeeze("\x1b[1;39;49mab\x1b[0m\x1b[39;49mc" + " " * 70 + "d\x1b[0m")
    '\x1b[1mab\x1b[0mc\x1b[70X\x1b[70Cd'
    >>> squeeze("\x1b[7;39;49m" + " " * 20 + "\x1b[0m") == "\x1b[7m" + " " * 20 + "\x1b[0m"
    True
    """
    if "\x1b]" in data or "\x1bP" in data:  # strings for the terminal itself are nobody's picture
        return data
    return _SEGMENT.sub(_segment, data)


def _segment(match: re.Match[str]) -> str:
    attributes, text = match[1], match[2]
    kept = ";".join(part for part in attributes.split(";") if part not in ("39", "49"))
    if "38;" in attributes or "48;" in attributes:  # their arguments may be a 39 or a 49
        return match[0]
    if not kept:
        return _BLANKS.sub(_jump, text)
    return f"\x1b[{kept}m{text}\x1b[0m"


def _jump(match: re.Match[str]) -> str:
    cells = len(match[0])
    return f"\x1b[{cells}X\x1b[{cells}C"
