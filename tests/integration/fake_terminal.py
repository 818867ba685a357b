"""A terminal on a pty: keeps a grid, notes the modes that are on, answers cursor questions as late as it is told to."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pyte

_PRIVATE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_KITTY = re.compile(rb"\x1b\[([<>])\d*u")
_COPY = re.compile(rb"\x1b\]52;c;([^\x07]*)\x07")
_QUESTION = re.compile(rb"\x1b\[6n|\x1b\[\?\d+\$p|\x1b\[[<>]\d*u")
WATCHED = {"1049", "1000", "1002", "1003", "1004", "1006", "1015", "1016", "2004", "2048", "2026"}


class FakeTerminal:
    """Runs a program on a pty of ``columns`` x ``lines``.

    Args:
        prefix: a program that starts Python, such as setpriv.
        delay: seconds between a cursor question and its answer; None never answers.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        columns: int = 80,
        lines: int = 24,
        delay: float | None = 0.0,
        term: str = "xterm",
        prefix: list[str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.delay = delay
        self.modes: set[str] = set()
        self.kitty = 0
        self.cursor_hidden = False
        self.wrap = True
        self.received = 0
        self.copied = ""
        self.at_question = ""
        self._answers: list[tuple[float, bytes]] = []
        self._rest = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [*(prefix or []), sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": term},
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        self.before = termios.tcgetattr(slave)
        self.slave = slave

    def __enter__(self) -> FakeTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def pump(self, seconds: float) -> None:
        """Take what the program writes, and give the answers that are due."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            due = [when for when, _ in self._answers]
            wait = max(0.0, min([left, *(when - time.monotonic() for when in due)]))
            ready, _, _ = select.select([self.master], [], [], wait)
            while self._answers and self._answers[0][0] <= time.monotonic():
                os.write(self.master, self._answers.pop(0)[1])
            if ready:
                try:
                    self._take(os.read(self.master, 65_536))
                except OSError:
                    return

    def until(self, there: Callable[[], bool], seconds: float = 15.0) -> bool:
        end = time.monotonic() + seconds
        while not there() and time.monotonic() < end:
            self.pump(0.02)
        return there()

    def until_text(self, text: str, seconds: float = 15.0) -> bool:
        return self.until(lambda: text in self.text, seconds)

    def ended(self, seconds: float = 15.0) -> int:
        self.until(lambda: self.process.poll() is not None, seconds)
        self.pump(0.05)
        assert self.process.returncode is not None, self.text
        return self.process.returncode

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    @property
    def clean(self) -> list[str]:
        """What is still switched on; empty when the terminal is as it was."""
        left = sorted(self.modes & WATCHED)
        left += ["kitty"] if self.kitty else []
        left += ["cursor hidden"] if self.cursor_hidden else []
        left += [] if self.wrap else ["no wrap"]
        now = termios.tcgetattr(self.slave)
        left += ["line settings"] if now[:4] != self.before[:4] else []
        return left

    def _take(self, data: bytes) -> None:
        self.received += len(data)
        data = self._rest + data
        cut = data.rfind(b"\x1b", max(0, len(data) - 24))
        whole = cut < 0 or re.match(rb"\x1b(\[[\d;?<>=$ ]*[@-~]|[78=>c]|\].*(\x07|\x1b\\))", data[cut:], re.S)
        data, self._rest = (data, b"") if whole else (data[:cut], data[cut:])
        for match in _COPY.finditer(data):
            self.copied = base64.b64decode(match[1]).decode()
        for match in _PRIVATE.finditer(data):
            for mode in match[1].decode().split(";"):
                on = match[2] == b"h"
                (self.modes.add if on else self.modes.discard)(mode)
                self.cursor_hidden = not on if mode == "25" else self.cursor_hidden
                self.wrap = on if mode == "7" else self.wrap
        for match in _KITTY.finditer(data):
            self.kitty = max(0, self.kitty + (1 if match[1] == b">" else -1))
        place = 0
        for match in _QUESTION.finditer(data):
            self.stream.feed(data[place : match.start()])
            place = match.end()
            if match[0] == b"\x1b[6n" and self.delay is not None:
                cursor = self.screen.cursor
                self.at_question = self.text
                answer = f"\x1b[{cursor.y + 1};{cursor.x + 1}R".encode()
                self._answers.append((time.monotonic() + self.delay, answer))
        self.stream.feed(data[place:])
