"""The log of a git repository, read with git itself: no shell, no pager, nothing that the repository names is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.errors import SourceError
from storage.program import Said, ask, environment
from storage.records.commits import Commit, FileChange

SECONDS = 30.0

MERGED_LATER = timedelta(days=90)
"""A commit may be so much older than the merge that brought it in."""

# A repository's own configuration and attributes can name programs: hooks, an fsmonitor, diff and text converters, a
# signature checker, a pager. Each is switched off by name, and nothing is fetched.
SAFE = (
    "--no-pager", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects",
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c", "diff.external=",
    "-c", "core.attributesFile=/dev/null", "-c", "log.showSignature=false", "-c", "gpg.program=/bin/false",
    "-c", "gpg.ssh.program=/bin/false", "-c", "gpg.x509.program=/bin/false", "-c", "diff.ignoreSubmodules=all",
    "-c", "core.sshCommand=/bin/false", "-c", "credential.helper=", "-c", "protocol.allow=never",
    "-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.quotePath=true", "-c", "log.mailmap=false",
    "-c", "diff.orderFile=/dev/null",
)  # fmt: skip
_LOG = ("log", "--no-color", "--no-show-signature", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-notes")
_TRAILERS = "%(trailers:key=Reviewed-by,key=Acked-by,key=Approved-by,valueonly,unfold)"
# Fields end with NUL, which no commit can hold.
_FIELDS = ("%H", "%h", "%P", "%p", "%an", "%ae", "%cn", "%ce", "%ct", "%s", _TRAILERS)
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_OWNER = re.compile(r"detected dubious ownership in repository at '(.*)'")


@dataclass(frozen=True, slots=True)
class _Node:
    """A commit as its head tells it, merges too."""

    commit: Commit
    parents: tuple[str, ...]
    committer: str
    committer_email: str


def read(
    directory: Path, *, since: datetime | None = None, path: str | None = None, limit: int, seconds: float = SECONDS
) -> list[Commit]:
    """The commits that altered a directory of a repository, newest first; merges are told by what they brought in.

    Args:
        since: only what came into the branch from then on.
        path: only what altered this file or directory, relative to ``directory``.
        limit: commits at the most.

    Raises:
        SourceError: git is missing, this is no repository, it belongs to somebody else, or git has no answer.
    """
    if not directory.is_dir():
        raise SourceError(f"{directory} is not a directory", "name a directory of a git repository")
    oldest = () if since is None else (f"--since={int((since - MERGED_LATER).timestamp())}",)
    said = _git(directory, [*_LOG, "-z", f"--format={'%x00'.join(_FIELDS)}", *oldest, "HEAD"], seconds)
    nodes = _nodes(said.out.decode("utf-8", "replace"))
    most = () if since is not None else (f"--max-count={limit}",)  # diffs are what takes time in a long history
    wanted = [*most, "--no-merges", "--full-history", "--numstat", "--format=%H", *oldest, "HEAD", "--", path or "."]
    listed = _git(directory, [*_LOG, *wanted], seconds)
    files = _files(listed.out.decode("utf-8", "replace"))
    merged = _merged(nodes)
    found = []
    for name, altered in files.items():
        if name not in nodes:
            continue
        commit = replace(nodes[name].commit, files=altered)
        if (by := merged.get(name)) is not None:
            commit = replace(commit, merged_at=by.commit.at, merged_by=by.committer, merged_email=by.committer_email)
        if since is None or (commit.merged_at or commit.at) >= since:
            found.append(commit)
    return sorted(found, key=lambda c: c.merged_at or c.at, reverse=True)[:limit]


def _git(directory: Path, arguments: Sequence[str], seconds: float) -> Said:
    variables = environment(
        "PATH", "HOME", "XDG_CONFIG_HOME", "SUDO_UID", LC_ALL="C", GIT_TERMINAL_PROMPT="0", GIT_NO_LAZY_FETCH="1",
        GIT_OPTIONAL_LOCKS="0", GIT_PAGER="cat", GIT_ATTR_NOSYSTEM="1",
    )  # fmt: skip
    said = ask(["git", *SAFE, "-C", str(directory), *arguments], environment=variables, seconds=seconds)
    if said.code == 0:
        return said
    told = said.err.decode("utf-8", "replace")
    if owned := _OWNER.search(told):
        raise SourceError(
            f"the repository {owned[1]} belongs to another user, and git does not read such a one unasked",
            f"if you trust it: git config --global --add safe.directory '{owned[1]}'",
        )
    if "not a git repository" in told:
        raise SourceError(f"{directory} is in no git repository", "name a directory of one")
    if "ambiguous argument 'HEAD'" in told or "bad revision 'HEAD'" in told:
        raise SourceError(f"the repository of {directory} has no commit yet", "commit something first")
    raise SourceError(f"git can't read the log of {directory}: {said.trouble}", "try git log there")


def _nodes(text: str) -> dict[str, _Node]:
    cells = text.split("\0")
    width = len(_FIELDS)
    nodes: dict[str, _Node] = {}
    for start in range(0, len(cells) - width + 1, width):
        name, short, parents, parents_short, author, email, committer, mail, seconds, subject, trailers = cells[
            start : start + width
        ]
        commit = Commit(
            hash=name.strip(),
            short=short,
            parent=next(iter(parents_short.split()), None),
            author=author,
            author_email=email,
            at=_moment(seconds),
            subject=subject,
            reviewers=tuple(line.strip() for line in trailers.splitlines() if line.strip()),
            files=(),
        )
        nodes[commit.hash] = _Node(commit, tuple(parents.split()), committer, mail)
    return nodes


def _moment(seconds: str) -> datetime:
    """A commit can carry any number; one that is no moment counts as the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _files(text: str) -> dict[str, tuple[FileChange, ...]]:
    """By commit the files it altered; git quotes what is odd in a path, so that a line is a line."""
    found: dict[str, list[FileChange]] = {}
    current: list[FileChange] = []
    for line in text.split("\n"):
        if _HASH.fullmatch(line):
            current = found.setdefault(line, [])
        elif line.count("\t") >= 2:
            added, removed, path = line.split("\t", 2)
            current.append(FileChange(path, _number(added), _number(removed)))
    return {name: tuple(files) for name, files in found.items()}


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _merged(nodes: dict[str, _Node]) -> dict[str, _Node]:
    """By commit the merge that brought it into the branch: the oldest one of the first parents that reaches it."""
    main: list[str] = []
    name = next(iter(nodes), None)
    while name is not None and name in nodes:
        main.append(name)
        name = next(iter(nodes[name].parents), None)
    seen = set(main)
    found: dict[str, _Node] = {}
    for merge in (nodes[name] for name in reversed(main)):
        left = [*merge.parents[1:]]
        while left:
            name = left.pop()
            if name in nodes and name not in seen:
                seen.add(name)
                found[name] = merge
                left.extend(nodes[name].parents)
    return found
