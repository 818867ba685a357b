"""What every actuator keeps: desired state only, compare before swap, no shell, and honesty about the outcome."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Protocol

from storage.clock import utc_now
from storage.errors import ActuatorError, UsageError
from storage.records.rollbacks import ActuatorPlan, Reading

OUTPUT_LIMIT = 4_000
"""Characters of a program's or server's answer that are kept."""

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}")


class OutcomeUnknownError(ActuatorError):
    """No answer came: it may have been done or not; only the world can tell."""


class NothingDoneError(ActuatorError):
    """Stopped before anything was changed: the world is not the one that the plan saw."""


class Clock(Protocol):
    """The time during an action, and waiting in it; tests bring their own."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class HostClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        return utc_now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Actuator(Protocol):
    """Puts a version in force and reads back which one is."""

    @property
    def name(self) -> str:
        """As the model file names it."""
        ...

    def plan(self, target: str, *, restore: str | None = None) -> ActuatorPlan:
        """Read the world and say in one line what would be done; changes nothing.

        Args:
            target: the version to put in force.
            restore: the ``prior`` of an earlier plan: that exact state is put back instead of a fresh one.

        Raises:
            ActuatorError: the world can't be read, or the target can't be put in force.
        """
        ...

    def execute(self, plan: ActuatorPlan, key: str) -> str:
        """Do what the plan says, if the world is still the one it saw; what was done, in words.

        Doing it again is harmless: only a desired state is set, never "the previous one". ``key`` is the idempotency
        key, passed on to whoever understands it.

        Raises:
            NothingDoneError: the world moved; nothing was changed.
            OutcomeUnknownError: no answer.
            ActuatorError: it was refused or failed.
        """
        ...

    def verify(self, expected: str) -> Reading:
        """Read the world back.

        Raises:
            ActuatorError: it can't be read, or says nonsense.
        """
        ...


def version_name(version: str) -> str:
    """The version, if it may stand in a path, a command or a URL.

    Raises:
        UsageError: it holds something else than letters, digits and ``_ . + -``, or starts with a sign.

    >>> version_name("v12.1-rc2")
    'v12.1-rc2'
    """
    if not is_version_name(version):
        raise UsageError(
            f"{version!r} is no version name: letters, digits and '_', '.', '+', '-' only, starting with one of the "
            "first two",
            "register the version under a plain name",
        )
    return version


def is_version_name(text: str) -> bool:
    """Whether a text may stand for a version; what a log calls one need not.

    >>> is_version_name("v41"), is_version_name("v41 (hotfix)")
    (True, False)
    """
    return _VERSION.fullmatch(text) is not None


def in_force_already(actuator: Actuator, plan: ActuatorPlan) -> bool:
    """Whether the target is in force already; the comparison before a swap that has none of its own.

    Raises:
        NothingDoneError: the world can't be read, or is not the one that the plan saw.
    """
    try:
        current = actuator.verify(plan.target).value
    except ActuatorError as error:
        raise NothingDoneError(f"nothing was done: {error.message}", error.hint) from error
    if current not in (plan.target, plan.current):
        raise NothingDoneError(f"the world says {current} by now, not {plan.current}: someone else acted", _AGAIN)
    return current == plan.target


_AGAIN = "look again: the plan was made for another world"


def visible(text: str, limit: int = OUTPUT_LIMIT) -> str:
    r"""What a program said, bounded, with control characters made visible.

    >>> visible("done\x1b[2J\n")
    'done\\x1b[2J'
    """
    cut = text.strip()[:limit]
    shown = "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return shown + (" ..." if len(text.strip()) > limit else "")


def one_version(text: str, where: str) -> str:
    """A version as a verifier said it.

    Raises:
        ActuatorError: it is empty, several words, or no version name.
    """
    said = text.strip()
    if not _VERSION.fullmatch(said):
        raise ActuatorError(
            f"{where} says {visible(said, 80)!r}, which is no version",
            "the verifier must answer with the version alone",
        )
    return said
