"""Copying through the terminal: the OSC 52 sequence, and which way a text should go."""

from __future__ import annotations

import base64
from collections.abc import Mapping

LIMIT = 74_000
"""Characters of base64 that common terminals take in one OSC 52."""


def osc52(text: str, *, tmux: bool = False) -> str:
    r"""The sequence that asks the terminal to copy; inside tmux also wrapped so that tmux passes it through.

    >>> osc52("hi")
    '\x1b]52;c;aGk=\x07'
    >>> osc52("hi", tmux=True)
    '\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\'
    """
    bare = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\x07"
    return f"{bare}\x1bPtmux;{bare.replace(chr(27), chr(27) * 2)}\x1b\\" if tmux else bare


def carries(text: str, environment: Mapping[str, str]) -> bool:
    """Whether OSC 52 has a chance: not the Linux console, not GNU screen, not too long.

    >>> carries("x", {"TERM": "xterm-256color"}), carries("x", {"TERM": "linux"}), carries("x" * 80_000, {})
    (True, False, False)
    """
    name = environment.get("TERM", "")
    blind = name == "linux" or (name.startswith("screen") and "TMUX" not in environment)
    return not blind and len(text.encode("utf-8", "replace")) * 4 // 3 < LIMIT
