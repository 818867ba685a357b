"""The rotation file as the screen reads it: again only when it has changed on disk."""

from __future__ import annotations

from pathlib import Path

from storage import rotation_file
from storage.errors import UsageError
from storage.records.watches import Rotation


class RotationFile:
    """One rotation file; a broken one is told every time, and read again only once it is another file.

    Args:
        path: where it is; by default where :func:`storage.rotation_file.rotation_path` finds it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = rotation_file.rotation_path(None) if path is None else path
        self._seen: tuple[int, int] | None = None
        self._read: Rotation | UsageError | None = None

    def read(self) -> Rotation | None:
        """The rotation, None where there is no such file.

        Raises:
            UsageError: it can't be read or breaks a rule.
        """
        seen = rotation_file.changed_at(self.path)
        if seen is None:
            self._seen = self._read = None
            return None
        if seen != self._seen:
            self._seen = seen
            try:
                self._read = rotation_file.read(self.path)
            except UsageError as error:
                self._read = error
        if isinstance(self._read, UsageError):
            raise self._read
        return self._read
