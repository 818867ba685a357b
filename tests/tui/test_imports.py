"""Nothing heavy is imported before the first paint."""

import subprocess
import sys

HEAVY = ["numpy", "pandas", "duckdb", "httpx", "plotext", "sqlite_utils", "sklearn", "scipy", "pyarrow"]
PROGRAM = """
import asyncio, sys, pathlib
from tests.tui.kit import app_on, seed
path = pathlib.Path(sys.argv[1])
seed(path, 10)
async def main():
    async with app_on(path).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
asyncio.run(main())
print(" ".join(name for name in sys.argv[2:] if name in sys.modules))
"""


def test_the_first_paint_imports_textual_and_sqlite_only(tmp_path: object) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"{tmp_path}/s.db", *HEAVY],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.strip() == ""
