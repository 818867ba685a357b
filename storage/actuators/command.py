"""A program, run without a shell: argv as written, an environment of its own, a time limit, its whole group killed."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from storage.actuators.base import (
    OUTPUT_LIMIT,
    Clock,
    NothingDoneError,
    OutcomeUnknownError,
    in_force_already,
    one_version,
    version_name,
    visible,
)
from storage.errors import ActuatorError
from storage.records.rollbacks import ActuatorPlan, Reading

ALWAYS = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""Variables every program gets; the model file's ``environment`` adds names, nothing else passes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said: its exit code, and the bounded, visible text of both streams."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Command:
    """Runs ``argv`` with ``{version}`` filled in; ``check`` prints the version in force on its standard output."""

    argv: tuple[str, ...]
    check: tuple[str, ...]
    folder: Path
    clock: Clock
    seconds: float
    environment: dict[str, str]
    name: str = "command"

    @classmethod
    def of(
        cls, options: Mapping[str, object], folder: Path, clock: Clock, seconds: float, environment: Mapping[str, str]
    ) -> Command:
        """The actuator of a model file's options ``execute``, ``verify`` and ``environment``.

        Raises:
            ActuatorError: there is no program to run, or it is not told the version.
        """
        argv, check, names = (_texts(options, key) for key in ("execute", "verify", "environment"))
        if not argv or not any("{version}" in part for part in argv):
            raise ActuatorError(
                "the model file's [rollback] execute is missing or never says {version}",
                'write a list: execute = ["deploy", "--version", "{version}"]',
            )
        allowed = {name: environment[name] for name in (*ALWAYS, *names) if name in environment}
        return cls(argv, check, folder, clock, seconds, allowed)

    def plan(self, target: str, *, restore: str | None = None) -> ActuatorPlan:
        """Read the version in force and show the exact argv."""
        argv = _filled(self.argv, version_name(target))
        current = self.verify(target).value if self.check else None
        return ActuatorPlan(
            actuator=self.name,
            target=target,
            current=current,
            does=f"runs {argv!r}" + (f" (now {current})" if current else ""),
            detail={"argv": argv, "verify": _filled(self.check, target), "environment": sorted(self.environment)},
            prior=current,
            write=target,
            verifiable=bool(self.check),
        )

    def execute(self, plan: ActuatorPlan, key: str) -> str:
        """Run the program, if the version in force is still the one that the plan saw."""
        if self.check and in_force_already(self, plan):
            return f"{plan.target} was in force already; nothing was run"
        argv = _filled(self.argv, plan.target)
        answer = self._run(argv, {"MIDWATCH_IDEMPOTENCY_KEY": key})
        if answer.code != 0:
            raise ActuatorError(f"{argv[0]} ended with exit code {answer.code}: {answer.err or answer.out}")
        return f"{argv[0]} ended with exit code 0" + (f": {answer.out}" if answer.out else "")

    def verify(self, expected: str) -> Reading:
        """Run the verifying program."""
        if not self.check:
            return Reading(None, self.clock.now(), "the model file names no verify command: not verified")
        argv = _filled(self.check, expected)
        answer = self._run(argv, {})
        if answer.code != 0:
            raise ActuatorError(
                f"the verifier {argv[0]} ended with exit code {answer.code}: {answer.err or answer.out}"
            )
        return Reading(one_version(answer.out, argv[0]), self.clock.now(), f"said by {argv[0]}")

    def _run(self, argv: list[str], more: Mapping[str, str]) -> Answer:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env={**self.environment, **more},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NothingDoneError(f"{argv[0]} can't be run: {error}", "check execute and verify") from error
        with process:
            try:
                out, err = _read(process, time.monotonic() + self.seconds)
            except TimeoutError as error:
                _kill(process)
                raise OutcomeUnknownError(
                    f"{argv[0]} gave no answer in {self.seconds:g} s and was stopped", "look at the world first"
                ) from error
            except BaseException:
                _kill(process)
                raise
        return Answer(process.returncode, visible(out), visible(err))


def _read(process: subprocess.Popen[bytes], end: float) -> tuple[str, str]:
    """Both streams, bounded, until the program ends; a grandchild that keeps them open is not waited for."""
    kept: dict[IO[bytes], bytearray] = {s: bytearray() for s in (process.stdout, process.stderr) if s is not None}
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            events = selector.select(0 if ended else min(0.05, max(0.0, end - time.monotonic())))
            for event, _ in events:
                _take(selector, event.fileobj, kept)
            if (ended and not events) or (ended and not selector.get_map()):
                break
            if not selector.get_map():
                process.wait(max(0.001, end - time.monotonic()))
            if time.monotonic() > end:
                raise TimeoutError
    out, err = (bytes(body).decode("utf-8", "backslashreplace") for body in kept.values())
    return out, err


def _take(selector: selectors.BaseSelector, stream: object, kept: Mapping[IO[bytes], bytearray]) -> None:
    for own, body in kept.items():
        if own is stream:
            chunk = os.read(own.fileno(), 65_536)
            if not chunk:
                selector.unregister(own)
            elif len(body) <= 4 * OUTPUT_LIMIT:
                body += chunk


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)  # a group of its own: its children go with it
    except ProcessLookupError:
        return


def _filled(argv: tuple[str, ...], version: str) -> list[str]:
    return [part.replace("{version}", version) for part in argv]


def _texts(options: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = options.get(key, [])
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise ActuatorError(f"the model file's [rollback] {key} is no list of texts", 'write ["program", "argument"]')
    return tuple(value)
