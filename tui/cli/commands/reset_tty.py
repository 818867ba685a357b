"""``midwatch reset-tty``: gives back a terminal that a killed program has left in its own modes."""

from __future__ import annotations

import click

from tui import terminal


@click.command("reset-tty")
def command() -> None:
    """Switch mouse reports, alternate screen and the rest off, and echo on, after a kill -9."""
    terminal.sane()
    terminal.reset()
