import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.doctor import Diagnosis, examine
from storage.file_system import under
from storage.records.models import Model
from tests.conftest import CHURN

MOUNTS = """
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:44 / {home} rw,relatime shared:1 - nfs4 filer:/home rw
"""


def lights(found: list[Diagnosis]) -> dict[str, str]:
    return {d.subject: d.light for d in found}


def test_a_healthy_store_is_green(db: sqlite3.Connection, store_file: Path, register: Callable[..., Model]) -> None:
    register()
    found = examine(db, store_file, {"TERM": "xterm-256color"})
    assert {s for s, light in lights(found).items() if light != "green"} <= {"model churn", "disk"}
    assert next(d for d in found if d.subject == "model churn").found.startswith("no [rollback]")


def test_what_is_wrong_is_named(db: sqlite3.Connection, store_file: Path, register: Callable[..., Model]) -> None:
    model = register()
    Path(model.path).write_text(Path(model.path).read_text() + "\n# changed")
    db.execute("DROP TRIGGER audit_log_no_update")
    db.execute("UPDATE audit_log SET actor = 'eve'")
    found = examine(db, store_file, {"TERM": "dumb"})
    assert lights(found)["audit"] == "red"
    assert lights(found)["model churn"] == "amber"
    assert lights(found)["terminal"] == "amber"
    assert all(d.remedy for d in found if d.light != "green")


def test_a_network_home_is_told_from_a_local_disk(tmp_path: Path) -> None:
    mounts = MOUNTS.format(home=tmp_path)
    assert under(tmp_path / "new" / "s.db", mounts).kind == "nfs4"
    assert under(tmp_path / "s.db", mounts).network
    assert not under(Path("/"), mounts).network
    assert under(tmp_path, "").kind == "unknown"


@pytest.mark.parametrize(
    ("rollback", "words"),
    [
        ('actuator = "pointer_file"\npath = "/nowhere/at/all/CURRENT"', "CURRENT"),
        ('actuator = "command"\nexecute = ["deploy"]\nverify = ["current"]', "{version}"),
        ('actuator = "record_only"\nfallback = "nope"', "'nope' is not registered"),
    ],
)
def test_a_rollback_that_could_not_work_is_found_in_daylight(
    db: sqlite3.Connection, store_file: Path, register: Callable[..., Model], rollback: str, words: str
) -> None:
    register(f"{CHURN}\n[rollback]\n{rollback}\n")
    found = next(d for d in examine(db, store_file, {"TERM": "xterm"}) if d.subject == "model churn")
    assert found.light == "amber"
    assert words in found.found
