"""Turns what the benchmarks print into the table of the README.

    python tests/benchmarks/table.py NAME.jsonl... [--into README.md] [--flags "--quick"]

Each file holds the lines of the benchmark of its name, so that every row can name the command that repeats it. Without
``--into`` the table goes to standard output; with it, between the two marks of that file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
HEAD = "| figure | value | beside | ratio | goal | met | repeat with |\n|---|---|---|---|---|---|---|"


def row(figure: dict[str, Any], command: str) -> str:
    """One figure as a line of the table; a figure that misses its goal says so."""
    met = {True: "yes", False: "**no**", None: "-"}[figure["ok"]]
    ratio = "-" if figure["ratio"] is None else f"{figure['ratio']:.3g}"
    value = f"{_number(figure['value'])} {figure['unit']}"
    cells = (figure["name"], value, _beside(figure["against"]), ratio, figure["goal"], met, f"`{command}`")
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(files: Iterable[Path], flags: str) -> str:
    """The table of every figure in ``files``, in their order."""
    rows = []
    for path in files:
        command = f"python tests/benchmarks/{path.stem}.py {flags}".strip()
        lines = path.read_text(encoding="utf-8").splitlines()
        rows += [row(json.loads(line), command) for line in lines if line.startswith("{")]
    return "\n".join([HEAD, *rows])


def put(text: str, new: str) -> str:
    """``text`` with ``new`` between its marks.

    >>> put(f"a {BEGIN} old {END} z", "new").split()
    ['a', '<!--', 'benchmarks', '-->', 'new', '<!--', '/benchmarks', '-->', 'z']
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"the file has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{new}\n{END}{after}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def _beside(against: object) -> str:
    if against is None:
        return "-"
    if isinstance(against, dict):
        return ", ".join(f"{key} {value}" if key != "peer" else str(value) for key, value in against.items())
    return f"limit {against:g}" if isinstance(against, int | float) else str(against)


def main() -> None:
    """Print the table, or put it into a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="NAME.jsonl: what tests/benchmarks/NAME.py printed")
    parser.add_argument("--into", type=Path, help="the file whose marked section is replaced")
    parser.add_argument("--flags", default="", help="flags the benchmarks were run with")
    given = parser.parse_args()
    new = table(given.files, given.flags)
    if given.into is None:
        sys.stdout.write(new + "\n")
    else:
        given.into.write_text(put(given.into.read_text(encoding="utf-8"), new), encoding="utf-8")


if __name__ == "__main__":
    main()
