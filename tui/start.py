"""Running the screen: refuse a terminal that can't draw, leave every terminal clean."""

from __future__ import annotations

from storage.errors import UsageError
from tui import terminal
from tui.app import MidwatchApp
from tui.driver import WatchDriver


def run(app: MidwatchApp) -> int:
    """Run the screen until its end; returns the exit code (128 + number after a signal, 1 after a bug).

    The caller makes the application with ``driver_class=WatchDriver``.

    Raises:
        UsageError: standard input or error is no terminal, or TERM=dumb.
    """
    why = terminal.refusal()
    if why:
        raise UsageError(why)
    try:
        app.run()
    finally:
        driver = app._driver
        if isinstance(driver, WatchDriver) and driver.taken:
            terminal.reset()
            terminal.sane()
    return app.return_code or 0
