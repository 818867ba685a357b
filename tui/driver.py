"""The platform's driver, made fit for a production host.

It leaves a clean terminal on TERM, HUP, INT and QUIT, survives a terminal that has gone away, and sleeps until a byte
arrives instead of waking ten times a second.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import select
import signal
import sys
import threading
from typing import IO, Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import _writer_thread
from textual.drivers.linux_driver import LinuxDriver

from tui import terminal
from tui.squeeze import squeeze

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
GRACE_SECONDS = 3.0
"""How long an orderly exit may take after a signal, before the terminal is reset by force."""

_ESCAPE_POLL = 0.02
"""Seconds between looks at an unfinished escape sequence: a lone ESC is a key after ``ESCDELAY``."""


class TolerantFile:
    """The terminal's file; once the terminal is gone everything written is dropped instead of raising."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.gone = False

    def write(self, text: str) -> int:
        """Write, or drop."""
        if not self.gone:
            try:
                return self._file.write(text)
            except (OSError, ValueError):
                self.gone = True
        return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        if not self.gone:
            try:
                self._file.flush()
            except (OSError, ValueError):
                self.gone = True

    def fileno(self) -> int:
        """The descriptor."""
        return self._file.fileno()


class WatchDriver(LinuxDriver):
    """Textual's driver for Linux and macOS with the differences the module names."""

    squeezes = True

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if sys.__stderr__ is None:
            raise RuntimeError("the screen is drawn on standard error, which is closed")
        # Unbounded: a full queue would stop the event loop, and with it keys and timers, while a line stalls.
        _writer_thread.MAX_QUEUED_WRITES = 0  # type: ignore[misc]
        self._file: Any = TolerantFile(sys.__stderr__)
        self.taken = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)

    def write(self, data: str) -> None:
        """Write to the terminal, in fewer bytes."""
        super().write(squeeze(data) if self.squeezes else data)

    def start_application_mode(self) -> None:
        """Install the signal handlers, then take the terminal."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # The loop's handler wakes the loop; ours, in its place, also works while the loop is busy.
            loop.add_signal_handler(number, self._leave, number)
            signal.signal(number, self._watchdog)
        self.taken = True
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give the terminal back, with every mode off, also those that Textual forgets."""
        self.write(terminal.MODES_OFF)
        super().stop_application_mode()
        self.taken = False

    def disable_input(self) -> None:
        """Wake the input thread, then wait for it."""
        if not self.exit_event.is_set():
            self.exit_event.set()
            self._wake()
            if self._key_thread is not None:
                self._key_thread.join()
            self.exit_event.clear()
            self._key_thread = None
        super().disable_input()

    def run_input_thread(self) -> None:
        """Read keys: sleep until a byte comes, look again shortly only inside an escape sequence."""
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        try:
            while not self.exit_event.is_set():
                waiting = None if parser._timeout_time is None else _ESCAPE_POLL
                ready, _, _ = select.select([self.fileno, self._wake_read], [], [], waiting)
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                if self.fileno in ready:
                    data = os.read(self.fileno, 4096)
                    if not data:  # the other end is closed: nobody will ever type again
                        self._loop.call_soon_threadsafe(self._leave, signal.SIGHUP)
                        return
                    for message in parser.feed(decode(data)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)
        except OSError:
            self._loop.call_soon_threadsafe(self._leave, signal.SIGHUP)
        finally:
            try:
                for _ in parser.feed(""):
                    pass
            except (EOFError, ParseError):
                pass

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"x")
        except OSError:
            return

    def _leave(self, number: signal.Signals) -> None:
        self._app.exit(return_code=128 + number)

    def _watchdog(self, number: int, _frame: object) -> None:
        def give_up() -> None:
            # On a line that takes nothing any more a write never returns: not waited for.
            writer = threading.Thread(target=terminal.reset, args=(self._file.fileno(),), daemon=True)
            writer.start()
            writer.join(0.5)
            terminal.sane(self.fileno)
            os._exit(128 + number)

        timer = threading.Timer(GRACE_SECONDS, give_up)
        timer.daemon = True
        timer.start()


class PlainDriver(WatchDriver):
    """For a terminal that can't erase cells (ECH): every byte as Textual wrote it."""

    squeezes = False
