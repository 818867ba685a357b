"""Parse first, import second: ``midwatch --version`` pays for nothing else."""

from __future__ import annotations

import sys

from tui import VERSION


def main() -> None:
    """The console script."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"midwatch {VERSION}\n")
        sys.exit(0)
    from tui.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
