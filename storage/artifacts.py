"""Hashes of files and directories: what a version is made of, and whether it still is."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from storage.errors import SourceError

CHUNK = 1 << 20
TEXT_LIMIT = 1_000_000
"""Longer configurations and lock files are hashed, not kept."""


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes (as ``sha256sum`` prints it), or of a directory's content.

    A directory's hash covers every entry's relative name, kind and content, in byte order of the names; times, owners
    and modes don't count. A link inside it counts by its text and is not followed; ``path`` itself may be a link.

    Raises:
        SourceError: something there can't be read, or is neither file, directory nor link.
    """
    try:
        if path.is_dir():
            return _tree(path)
        return _file(path)
    except OSError as error:
        where = error.filename or path
        raise SourceError(f"{where} can't be read: {error.strerror}", "check the path and its permissions") from error


def sha256_again(path: Path) -> str:
    """:func:`sha256`, read anew only if the file changed since this process hashed it last (its ctime can't be faked).

    Raises:
        SourceError: as :func:`sha256`.
    """
    try:
        now = path.stat()
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}", "check the path and its permissions") from error
    if not stat.S_ISREG(now.st_mode):
        return sha256(path)
    identity = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    known = _HASHED.get(path)
    if known is None or known[0] != identity:
        known = _HASHED[path] = (identity, sha256(path))
    return known[1]


_HASHED: dict[Path, tuple[tuple[int, ...], str]] = {}


def text_of(path: Path) -> str | None:
    """The text of a small UTF-8 file; None for directories, long files and other bytes."""
    try:
        if not path.is_file() or path.stat().st_size > TEXT_LIMIT:
            return None
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}", "check its permissions") from error


def _file(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hang the watch
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceError(f"{path} is neither a file nor a directory", "name the artifact itself")
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _tree(root: Path) -> str:
    digest = hashlib.sha256()
    entries: list[tuple[bytes, str, Path]] = []
    for folder, names, files in os.walk(root, onerror=_raise):
        for name in [*names, *files]:
            entry = Path(folder, name)
            relative = os.fsencode(entry.relative_to(root).as_posix())
            kind = "link" if entry.is_symlink() else "folder" if name in names else "file"
            entries.append((relative, kind, entry))
    for relative, kind, entry in sorted(entries, key=lambda e: e[0]):
        content = {"link": _link, "folder": _nothing, "file": _file}[kind](entry)
        # The length keeps borders: a name that contains what looks like the next entry must not hash alike.
        digest.update(f"{kind} {len(relative)} ".encode() + relative + f" {content}\n".encode())
    return digest.hexdigest()


def _link(path: Path) -> str:
    return hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()


def _nothing(_: Path) -> str:
    return "-"


def _raise(error: OSError) -> None:
    raise error
