"""Who is acting, and from where: what the audit log records of a person."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or the program itself acting for one.

    Attributes:
        name: the login name; behind sudo the one who called sudo.
        host: the machine's name.
        tty: the terminal, None without one.
        ssh_client: address of the SSH client, None when local.
    """

    name: str
    host: str
    tty: str | None = None
    ssh_client: str | None = None


def current_actor() -> Actor:
    """The person at this terminal."""
    return Actor(
        name=os.environ.get("SUDO_USER") or _login(),
        host=socket.gethostname(),
        tty=_terminal(),
        ssh_client=(os.environ.get("SSH_CONNECTION") or "").split(" ")[0] or None,
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in some containers
        return f"uid{os.getuid()}"


def _terminal() -> str | None:
    for descriptor in (0, 1, 2):
        try:
            return os.ttyname(descriptor)
        except OSError:
            continue
    return None
