"""A file that names the version, or a link to its directory: swapped atomically, never outside its directory.

The directory is opened once and everything below it is reached through that descriptor with O_NOFOLLOW, so that a link
put there meanwhile is refused, not followed. The swap is: lock, compare the exact bytes, write a new file, fsync,
rename, fsync the directory. A reader sees the old content or the new one, never none.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.actuators.base import Clock, NothingDoneError, one_version, version_name
from storage.errors import ActuatorError, MidwatchError
from storage.records.rollbacks import ActuatorPlan, Reading

LIMIT = 4_096
"""Bytes a pointer file may have: it holds a name, not a model."""

_NO_LOCKS = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems without locks on directories answer (NFS); there the comparison alone protects."""


@dataclass(frozen=True, slots=True)
class PointerFile:
    """The pointer ``path``, which must stay below ``directory``; waits ``seconds`` for another writer's lock."""

    path: Path
    directory: Path
    clock: Clock
    seconds: float
    name: str = "pointer_file"

    @classmethod
    def of(cls, options: Mapping[str, object], folder: Path, clock: Clock, seconds: float) -> PointerFile:
        """The actuator of a model file's options ``path`` and ``directory``.

        Raises:
            ActuatorError: there is no path, or it leaves its directory.
        """
        if not options.get("path"):
            raise ActuatorError("the model file's [rollback] names no path", 'add path = "/srv/MODEL/CURRENT"')
        path = folder / str(options["path"])
        directory = folder / str(options["directory"]) if options.get("directory") else path.parent
        if (
            "\0" in str(path)
            or ".." in path.parts
            or ".." in directory.parts
            or not path.is_relative_to(directory)
            or path == directory
        ):
            raise ActuatorError(f"{path} is not inside {directory}", "a pointer never leaves its directory")
        return cls(path, directory, clock, seconds)

    def plan(self, target: str, *, restore: str | None = None) -> ActuatorPlan:
        """Read the pointer and say what would be written."""
        version_name(target)
        with self._parent() as parent:
            prior = self._state(parent)
            current = self._version(prior)
            write = restore if restore is not None else self._next(prior, target)
            if _is_link(prior) != _is_link(write):
                raise ActuatorError(f"{self.path} was a file and is a link now, or the other way round", "look at it")
            if _is_link(write):
                self._directory_of(parent, _body(write).decode())
        shown = _body(write).decode("utf-8", "backslashreplace")
        how = "points the link" if _is_link(write) else "writes"
        to = f"to {shown}" if _is_link(write) else f"{shown!r} into"
        does = (
            f"{how} {self.path} {to} (now {current})" if _is_link(write) else f"{how} {to} {self.path} (now {current})"
        )
        return ActuatorPlan(
            actuator=self.name,
            target=target,
            current=current,
            does=does,
            detail={"path": str(self.path), "before": _body(prior).decode("utf-8", "backslashreplace"), "after": shown},
            prior=prior,
            write=write,
        )

    def execute(self, plan: ActuatorPlan, key: str) -> str:
        """Swap, if the pointer still holds the very bytes that the plan saw."""
        if plan.prior is None or plan.write is None:
            raise NothingDoneError(f"the plan for {self.path} holds no state to write", "make a new plan")
        acting = False
        try:
            with self._parent() as parent, self._locked(parent):
                found = self._state(parent)
                if found == plan.write:
                    return f"{self.path} held it already"
                if found != plan.prior:
                    raise NothingDoneError(
                        f"{self.path} says {self._version(found)} by now, not {plan.current}: someone else acted",
                        "look again: the plan was made for another world",
                    )
                acting = True
                self._swap(parent, plan.write)
        except ActuatorError as error:
            if acting or isinstance(error, NothingDoneError):
                raise
            raise NothingDoneError(error.message, error.hint) from error
        return f"{self.path} set to {plan.target}"

    def verify(self, expected: str) -> Reading:
        """Read the pointer."""
        with self._parent() as parent:
            value = self._version(self._state(parent))
        return Reading(value, self.clock.now(), f"read from {self.path}")

    @contextmanager
    def _parent(self) -> Iterator[int]:
        """A descriptor of the directory that holds the pointer, reached without following a link on the way."""
        parts = self.path.relative_to(self.directory).parts[:-1]
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        at = -1
        try:
            at = os.open(self.directory, flags)
            for part in parts:
                below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=at)
                os.close(at)
                at = below
            yield at
        except OSError as error:
            link = error.errno in (errno.ELOOP, errno.ENOTDIR)
            why = "a link or no directory on its way" if link else error.strerror
            raise ActuatorError(f"{self.path} can't be used: {why}", "check the path and its permissions") from error
        finally:
            if at >= 0:
                os.close(at)

    @contextmanager
    def _locked(self, parent: int) -> Iterator[None]:
        waited = 0.0
        while True:
            try:
                fcntl.flock(parent, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    break
                if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
                    raise
            if waited >= self.seconds:
                raise NothingDoneError(
                    f"{self.path.parent} is locked by another program for {self.seconds:g} s", "try again"
                )
            self.clock.sleep(0.05)
            waited += 0.05
        yield  # closing the descriptor gives the lock back

    def _state(self, parent: int) -> str:
        """The exact state, opaque: what it is, and its bytes in base 64."""
        name = self.path.name
        kind = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if stat.S_ISLNK(kind):
            with contextlib.suppress(FileNotFoundError):  # the version it names may be gone; the name still counts
                if not stat.S_ISDIR(os.stat(name, dir_fd=parent).st_mode):
                    raise ActuatorError(
                        f"{self.path} is a link to a file", "name the file itself; links are not followed"
                    )
            return _pack("link", os.fsencode(os.readlink(name, dir_fd=parent)))
        if not stat.S_ISREG(kind):
            raise ActuatorError(f"{self.path} is neither a file nor a link to a directory", "check the path")
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        with os.fdopen(descriptor, "rb") as file:
            body = file.read(LIMIT + 1)
        if len(body) > LIMIT:
            raise ActuatorError(f"{self.path} has more than {LIMIT} bytes: it is no pointer", "check the path")
        return _pack("file", body)

    def _version(self, state: str) -> str:
        text = _body(state).decode("utf-8", "backslashreplace")
        return one_version(posixpath.basename(text.rstrip("/")) if _is_link(state) else text, str(self.path))

    def _next(self, prior: str, target: str) -> str:
        """The state that names ``target`` in the form the pointer has now: its line end, its link's directory."""
        body = _body(prior)
        if _is_link(prior):
            folder = posixpath.dirname(body.decode("utf-8", "surrogateescape").rstrip("/"))
            return _pack("link", os.fsencode(posixpath.join(folder, target)))
        end = body[len(body.rstrip(b"\r\n")) :]
        return _pack("file", target.encode() + end)

    def _directory_of(self, parent: int, text: str) -> None:
        """The link's new target is a directory below ``directory``, links on the way resolved."""
        target = Path(os.path.realpath(self.path.parent / text))
        if not target.is_relative_to(os.path.realpath(self.directory)):
            raise ActuatorError(f"{target} is not inside {self.directory}", "a link never leaves its directory")
        if not stat.S_ISDIR(os.stat(text, dir_fd=parent).st_mode):
            raise ActuatorError(f"{target} is no directory", "the version's directory must exist")

    def _swap(self, parent: int, state: str) -> None:
        name, new = self.path.name, f".{self.path.name}.midwatch-new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=parent)  # left by a process that was killed between write and rename
        try:
            if _is_link(state):
                self._directory_of(parent, _body(state).decode())
                os.symlink(_body(state), new, dir_fd=parent)
            else:
                self._write(parent, new, _body(state))
            os.replace(new, name, src_dir_fd=parent, dst_dir_fd=parent)
        except (OSError, MidwatchError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new, dir_fd=parent)
            raise
        os.fsync(parent)

    def _write(self, parent: int, new: str, body: bytes) -> None:
        old = os.stat(self.path.name, dir_fd=parent, follow_symlinks=False)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(new, flags, 0o600, dir_fd=parent), "wb") as file:
            file.write(body)
            file.flush()
            with contextlib.suppress(PermissionError):  # only root gives files away; the group may still be ours
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            os.fsync(file.fileno())


def _pack(kind: str, body: bytes) -> str:
    return f"{kind}:{base64.b64encode(body).decode()}"


def _body(state: str) -> bytes:
    return base64.b64decode(state.partition(":")[2])


def _is_link(state: str) -> bool:
    return state.startswith("link:")
