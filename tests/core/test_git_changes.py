import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.changes.git import as_change, reviewers
from storage import git_log
from storage.errors import SourceError
from storage.git_log import read
from storage.program import Said
from tests.conftest import NOW

DAY = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Repository:
    """A repository of a test; every commit is an hour after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hour = folder, 0
        self("init", "-q", "-b", "main")

    def __call__(self, *arguments: str, by: str = "lin") -> str:
        at = (DAY + timedelta(hours=self.hour)).isoformat()
        who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (
            ("NAME", by), ("EMAIL", f"{by}@example.org"), ("DATE", at))}  # fmt: skip
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1", **who}
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments], env=variables, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def commit(self, message: str, files: dict[str, str], by: str = "lin") -> None:
        self.hour += 1
        for name, body in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(body)
        self("add", "-A")
        self("commit", "-q", "-m", message, by=by)


def test_commits_are_changes_with_size_reviewer_and_hashes(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("First", {"serve/a.py": "1\n2\n", "README": "x\n"})
    repository.commit("Join on user \x1b[31mred\n\nReviewed-by: Ada <ada@example.org>\n", {"serve/a.py": "1\n3\n4\n"})
    repository.commit("Own eyes\n\nAcked-by: lin <lin@example.org>", {"train/b.sql": "s\n", "train/c.bin": "\0\1"})
    repository("checkout", "-q", "-b", "side")
    repository.commit("On a branch", {"serve/d.py": "d\n"}, by="noor")
    repository("checkout", "-q", "main")
    repository.hour += 20
    repository("merge", "-q", "--no-ff", "--no-edit", "side", by="ada")
    found = read(tmp_path, limit=100)
    assert [c.subject.split()[0] for c in found] == ["On", "Own", "Join", "First"]
    branch, own, join, first = found
    assert (branch.merged_at, branch.at) == (DAY + timedelta(hours=24), DAY + timedelta(hours=4))
    assert [reviewers(c) for c in found] == ["ada", None, "Ada", None]
    assert (join.lines, join.parent, len(own.files), own.lines) == (3, first.short, 2, 1)
    change = as_change(join, None, "component")
    assert (change.size, change.before, change.after, change.by) == (3, first.short, join.short, "lin")
    assert change.subject == "Join on user \x1b[31mred (1 file)"  # made visible where it is drawn
    assert as_change(branch, None, "component").at == DAY + timedelta(hours=24)
    assert [c.subject[:3] for c in read(tmp_path / "serve", limit=9)] == ["On ", "Joi", "Fir"]
    assert [c.subject[:3] for c in read(tmp_path, path="train/b.sql", limit=9)] == ["Own"]
    assert [c.subject[:3] for c in read(tmp_path, since=DAY + timedelta(hours=3), limit=9)] == ["On ", "Own"]
    assert len(read(tmp_path, limit=2)) == 2


def test_nothing_that_a_repository_names_is_run(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("First", {"a.py": "1\n", ".gitattributes": "*.py diff=evil\n"})
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor", "core.pager", "diff.external", "diff.evil.command", "diff.evil.textconv", "gpg.program",
        "core.sshCommand", "pager.log", "alias.log",
    ):  # fmt: skip
        repository("config", key, str(trap))
    repository("config", "log.showSignature", "true")
    repository("config", "core.hooksPath", str(tmp_path))
    assert len(read(tmp_path, limit=9)) == 1
    assert not (tmp_path / "sprung").exists()


def test_what_is_no_repository_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="is in no git repository"):
        read(tmp_path, limit=9)
    with pytest.raises(SourceError, match="is not a directory"):
        read(tmp_path / "none", limit=9)
    Repository(tmp_path)
    with pytest.raises(SourceError, match="has no commit yet"):
        read(tmp_path, limit=9)
    told = b"fatal: detected dubious ownership in repository at '/srv/churn'\nTo add an exception ..."
    monkeypatch.setattr(git_log, "ask", lambda *_, **__: Said(128, b"", told))
    with pytest.raises(SourceError, match="belongs to another user") as caught:
        read(tmp_path, limit=9)
    assert "safe.directory '/srv/churn'" in caught.value.hint
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="git can't be run"):
        read(tmp_path, since=NOW, limit=9)
