"""The page on the screen names every key and pane."""

from pathlib import Path

from tui.actions import ACTIONS
from tui.panes import NUMBERS

PAGE = (Path(__file__).parents[2] / "docs" / "screen.md").read_text(encoding="utf-8")


def test_every_action_is_on_the_page() -> None:
    for action in ACTIONS:
        keys = " ".join(f"`{key}`" for key in action.shown_keys.split())
        star = " *" if action.mutating else ""
        assert f"| {keys} | {action.help}{star} | {', '.join(action.where) or 'everywhere'} |" in PAGE


def test_every_pane_is_on_the_page() -> None:
    for pane, number in NUMBERS.items():
        assert f"`{number}` {pane.capitalize()}" in PAGE
