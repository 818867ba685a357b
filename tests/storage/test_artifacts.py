import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import artifacts
from storage.errors import SourceError

NAMES = st.text("ab .é", min_size=1, max_size=4).filter(lambda n: n not in (".", "..", ". ", " ."))
TREES = st.dictionaries(NAMES, st.binary(max_size=20), max_size=5)


def lay(root: Path, tree: dict[str, bytes]) -> Path:
    root.mkdir()
    for name, body in tree.items():
        (root / name).write_bytes(body)
    return root


def test_a_file_hashes_as_sha256sum_says(tmp_path: Path) -> None:
    body = os.urandom(artifacts.CHUNK + 7)
    (tmp_path / "m.bin").write_bytes(body)
    (tmp_path / "current").symlink_to("m.bin")
    assert artifacts.sha256(tmp_path / "m.bin") == hashlib.sha256(body).hexdigest()
    assert artifacts.sha256(tmp_path / "current") == hashlib.sha256(body).hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(a=TREES, b=TREES)
def test_directories_hash_alike_exactly_when_their_content_is(
    tmp_path_factory: pytest.TempPathFactory, a: dict[str, bytes], b: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("trees")
    first, second = lay(root / "first", a), lay(root / "second", b)
    assert (artifacts.sha256(first) == artifacts.sha256(second)) == (a == b)


def test_a_link_inside_counts_by_its_text_and_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("one")
    tree = lay(tmp_path / "tree", {"a": b"1"})
    (tree / "loop").symlink_to(".")
    (tree / "out").symlink_to(outside)
    before = artifacts.sha256(tree)
    outside.write_text("two")
    assert artifacts.sha256(tree) == before
    (tree / "out").unlink()
    (tree / "out").symlink_to("elsewhere")
    assert artifacts.sha256(tree) != before


def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a directory"):
        artifacts.sha256(tmp_path / "pipe")
    with pytest.raises(SourceError, match="gone"):
        artifacts.sha256(tmp_path / "gone")


def test_a_changed_file_is_hashed_again(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(b"one")
    first = artifacts.sha256_again(path)
    stamp = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # the same size and mtime: the ctime gives it away
    assert artifacts.sha256_again(path) == hashlib.sha256(b"two").hexdigest() != first
