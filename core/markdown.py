"""Text from outside inside Markdown: it may say anything and change nothing."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_\[\]|~#!$])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    r"""``text`` as one line of Markdown that shows it as it is: no markup, no HTML, no new block.

    >>> escape("<b>*x*</b>\n# y")
    '&lt;b&gt;\\*x\\*&lt;/b&gt; ⏎ \\# y'
    """
    visible = "".join(_visible(c) for c in text)
    entities = re.sub("[&<>]", lambda m: _ENTITIES[m[0]], visible)
    # A link that nobody wrote as one must not become one either.
    return _MARKS.sub(r"\\\1", entities).replace("://", ":&#47;&#47;").replace("www.", "www&#46;")


def row(*cells: object) -> str:
    """One row of a table; cells are escaped already or numbers."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _visible(character: str) -> str:
    if character == "\n":
        return " ⏎ "
    if character == "\t":
        return " "
    return character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
