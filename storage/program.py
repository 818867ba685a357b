"""Another program's answer: argv as written, no shell, an environment of its own, a time limit, bounded output."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.errors import SourceError

OUTPUT_LIMIT = 64 * 1024 * 1024
"""Longer answers are refused; what is asked for here is far below."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a program said: its exit code and both streams as bytes."""

    code: int
    out: bytes
    err: bytes

    @property
    def trouble(self) -> str:
        """The last line of what it complained of."""
        lines = self.err.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self.code}"


def ask(argv: Sequence[str], *, environment: Mapping[str, str], seconds: float) -> Said:
    """Run a program that only reads, and wait for its answer.

    Args:
        environment: all that it gets; nothing is inherited.
        seconds: how long it may take; then its whole group is killed.

    Raises:
        SourceError: it can't be run, takes too long or says too much.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise SourceError(f"{argv[0]} can't be run: {error}", "is it installed, and on PATH?") from error
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            raise SourceError(f"{argv[0]} gave no answer in {seconds:g} s and was stopped", "ask for less") from error
        except BaseException:
            _kill(process)
            raise
    if len(out) > OUTPUT_LIMIT:
        raise SourceError(f"{argv[0]} said more than {OUTPUT_LIMIT // 2**20} MB", "ask for less")
    return Said(process.returncode, out, err)


def environment(*names: str, **values: str) -> dict[str, str]:
    """This process's variables of those names, where they are set, and the values given."""
    return {**{name: os.environ[name] for name in names if name in os.environ}, **values}


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)  # a group of its own: its children go with it
    except ProcessLookupError:
        return
