"""The screen on a store of the test kit: ``python -m tests.integration.screen_program STORE``."""

import sys
from pathlib import Path

from storage.errors import MidwatchError
from tests.tui.kit import ThingPane, services
from tui.app import MidwatchApp
from tui.driver import WatchDriver
from tui.panes import PaneSpec
from tui.start import run


class Trap(ThingPane):
    """Has a key that is a bug, and one that never returns to the loop."""

    def do_feedback(self) -> None:
        raise RuntimeError("a bug in a handler")

    def do_export(self) -> None:
        while True:
            pass


def main() -> int:
    specs = [PaneSpec("alerts", "Alerts", "tests.integration.screen_program:Trap")]
    try:
        return run(MidwatchApp(services(Path(sys.argv[1])), locked=False, specs=specs, driver_class=WatchDriver))
    except MidwatchError as error:
        sys.stdout.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
