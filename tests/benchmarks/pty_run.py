"""A program on a pseudo-terminal, measured from outside: CPU, bytes, memory; answers what a terminal is asked."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b.")
_CURSOR = re.compile(rb"\x1b\[(\d+);(\d+)H")


@dataclass
class Run:
    """One running program."""

    pid: int
    fd: int
    started: float
    data: bytearray = field(default_factory=bytearray)

    @staticmethod
    def start(argv: list[str], *, columns: int = 80, rows: int = 24, environment: dict[str, str] | None = None) -> Run:
        """Fork onto a terminal of that size."""
        started = time.perf_counter()
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update({"TERM": "xterm-256color", "LANG": "C.UTF-8", **(environment or {})})
            os.environ.pop("TMUX", None)
            os.execvp(argv[0], argv)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return Run(pid, fd, started)

    def read(self, seconds: float) -> bytes:
        """What comes within ``seconds``; questions of the program are answered as a terminal does."""
        got = bytearray()
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            ready, _, _ = select.select([self.fd], [], [], left)
            if not ready:
                break
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                break
            if not piece:
                break
            got += piece
            self._answer(piece)
        self.data += got
        return bytes(got)

    def until(self, words: str, seconds: float = 30.0) -> float:
        """Read until ``words`` were drawn; seconds since the start."""
        pattern = words.encode()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.read(0.02)
            if pattern in _ESCAPES.sub(b"", bytes(self.data)):
                return time.perf_counter() - self.started
        shown = _ESCAPES.sub(b" ", bytes(self.data))[-1500:].decode(errors="replace")
        raise TimeoutError(f"{words!r} was never drawn; last: {shown}")

    def settle(self, quiet: float = 0.4, seconds: float = 20.0) -> None:
        """Read until nothing has come for ``quiet`` seconds."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and self.read(quiet):
            pass

    def press(self, keys: bytes) -> bytes:
        """Type, and read what comes of it."""
        os.write(self.fd, keys)
        return self.read(0.3)

    def cpu(self) -> float:
        """CPU seconds so far, children included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / _TICK

    def peak_mb(self) -> float:
        """Peak resident memory in MB."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", text)
        return int(found[1]) / 1024 if found else float("nan")

    def stop(self) -> None:
        """Kill and reap."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def _answer(self, piece: bytes) -> None:
        for _ in range(piece.count(b"\x1b[6n")):
            before = piece.split(b"\x1b[6n")[0]
            moved = _CURSOR.findall(before)
            row, column = moved[-1] if moved else (b"1", b"1")
            os.write(self.fd, b"\x1b[" + row + b";" + column + b"R")
        if b"\x1b[c" in piece:
            os.write(self.fd, b"\x1b[?62;22c")
