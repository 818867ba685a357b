"""Finding the files of a log and looking them over once, byte by byte, before DuckDB reads them."""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from storage.errors import SourceError
from storage.records.logs import Format

BLOCK = 1 << 20
MAX_LINE = 2_000_000
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_MARKS = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"SQLite format 3", "a SQLite database"),
)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look over the bytes of a file found; ``head`` is the beginning of the (unpacked) text."""

    path: str
    format: Format
    packed: bool
    size: int
    sha256: str
    head: bytes
    lines: int
    mixed_ends: bool
    quoted: bool
    stamp: tuple[int, int]


def find_files(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The readable log files behind ``paths``: files as they are, directories for all log files inside, globs.

    Raises:
        SourceError: a path that names nothing, or a directory or pattern without log files.
    """
    found: list[str] = []
    for given in paths:
        path = os.fspath(given)
        if not path:
            raise SourceError("an empty name is no file", "name a file, a directory or a pattern")
        if os.path.isdir(path):
            inside = sorted(str(p) for p in Path(path).rglob("*") if p.is_file() and _format_of(p.name))
            if not inside:
                raise SourceError(f"{path} is a directory without log files", "files end in .csv, .jsonl or .parquet")
            found += inside
        elif os.path.exists(path):
            found.append(path)
        elif matched := sorted(p for p in glob.glob(path, recursive=True) if os.path.isfile(p)):
            found += matched
        else:
            raise SourceError(f"{path} does not exist", "check the path, or quote the pattern")
    unique = list(dict.fromkeys(found))
    for path in unique:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise SourceError(f"the name {path!r} is not UTF-8 text", "rename the file") from None
    if not unique:
        raise SourceError("no file was named", "name a file, a directory or a pattern")
    return unique


def _format_of(name: str) -> Format | None:
    """Format by the end of the name, ``.gz`` aside."""
    stem = name.lower().removesuffix(".gz")
    return _SUFFIXES.get(os.path.splitext(stem)[1])


def scan(path: str) -> Scan:
    """Hash the file and look at its bytes: format, lines, line ends.

    Raises:
        SourceError: the file can't be read, is empty, binary, in a foreign encoding, or has a line over 2 MB.
    """
    try:
        before = os.stat(path)
        if not os.path.isfile(path):
            raise SourceError(f"{path} is not a file", "name a regular file")
        with open(path, "rb") as raw:
            start = raw.read(8)
        if not start:
            raise SourceError(f"{path} is empty", "nothing was written, or the copy is not finished")
        packed = start.startswith(b"\x1f\x8b")
        if start.startswith(b"PAR1"):
            found = Scan(path, "parquet", False, before.st_size, sha256_of(path), b"", 0, False, False, _stamp(before))
        else:
            found = _scan_text(path, packed, before)
        if _stamp(os.stat(path)) != found.stamp:
            raise SourceError(f"{path} changed while it was read", "wait until it is written, then try again")
        return found
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path} is a broken gzip file ({error})", "copy it again; its end may be missing") from error
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror or error}", "check path and permissions") from error


def sha256_of(path: str) -> str:
    """Hash of the bytes on disk, read in blocks."""
    with open(path, "rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def open_text(path: str, packed: bool) -> IO[bytes] | gzip.GzipFile:
    """The unpacked bytes of a text file."""
    return gzip.open(path, "rb") if packed else open(path, "rb")


def unchanged(found: Scan) -> bool:
    """Whether size and time of change are still those of the scan."""
    return _stamp(os.stat(found.path)) == found.stamp


def _stamp(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns


def _blocks(path: str, packed: bool, digest: hashlib._Hash) -> Iterator[bytes]:
    """Unpacked blocks; a plain file is hashed on the way, a packed one beforehand."""
    with open_text(path, packed) as text:
        while block := text.read(BLOCK):
            if not packed:
                digest.update(block)
            yield block


def _scan_text(path: str, packed: bool, stat: os.stat_result) -> Scan:
    digest = hashlib.sha256()
    head, lines, returns, bare, open_line, last, quoted = b"", 0, 0, 0, 0, b"", False
    for block in _blocks(path, packed, digest):
        if not head:
            head = block
            _refuse_foreign(path, head)
        ends = block.count(b"\n")
        first = block.find(b"\n")
        if ends == 0:
            open_line += len(block)
        if open_line + max(first, 0) > MAX_LINE or (ends == 0 and open_line > MAX_LINE):
            raise SourceError(
                f"{path}, line {lines + 1}: longer than {MAX_LINE // 1_000_000} MB",
                "this is no table of rows; check what wrote it",
            )
        if ends:
            open_line = len(block) - block.rfind(b"\n") - 1
        lines += ends
        quoted = quoted or b'"' in block
        if b"\r" in block:
            returns += block.count(b"\r\n")
            bare += block.count(b"\r")
        returns += last == b"\r" and block[:1] == b"\n"
        last = block[-1:]
    if not head:
        raise SourceError(f"{path} is empty", "nothing was written, or the copy is not finished")
    named = _format_of(path)
    looks: Format = "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else "csv"
    if named == "parquet":
        raise SourceError(f"{path} is named Parquet but is not", "a Parquet file begins with PAR1; copy it again")
    kind: Format = named if named == "jsonl" else looks
    if kind == "jsonl" and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
        raise SourceError(f"{path} is one JSON array, not JSON lines", "write one object a line (jq -c '.[]')")
    sha = sha256_of(path) if packed else digest.hexdigest()
    total = lines + (last != b"\n")
    return Scan(
        path,
        kind,
        packed,
        stat.st_size,
        sha,
        head,
        total,
        returns not in (0, lines) or bare != returns,
        quoted,
        _stamp(stat),
    )


def _refuse_foreign(path: str, head: bytes) -> None:
    """Refuse what is no UTF-8 text, naming what it seems to be and the line."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            raise SourceError(f"{path}, line 1: this is {name}, not UTF-8 text", "convert it to CSV in UTF-8 first")
    at = head.find(b"\x00")
    if at >= 0:
        wide = head[:2000].count(b"\x00") > len(head[:2000]) // 4
        guess = "UTF-16" if wide else "binary data"
        line = head.count(b"\n", 0, at) + 1
        raise SourceError(f"{path}, line {line}: this seems to be {guess}, not UTF-8 text", "convert it to UTF-8 first")
    control = sum(byte < 9 or 13 < byte < 32 for byte in head[:4000])
    if control > len(head[:4000]) // 20:
        raise SourceError(
            f"{path}, line 1: this seems to be binary data, not text", "name a CSV, JSON lines or Parquet"
        )
    broken = head.decode("utf-8", "replace").count("\ufffd")
    if broken > max(1, head.count(b"\n") // 100):
        try:
            head.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                line = head.count(b"\n", 0, error.start) + 1
                raise SourceError(
                    f"{path}, line {line}: not UTF-8; the encoding seems to be latin-1 (or Windows-1252)",
                    "convert it first: iconv -f WINDOWS-1252 -t UTF-8",
                ) from None
