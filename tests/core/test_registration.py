import sqlite3

from core.changes import deployed as deployed_changes
from core.registration import register
from storage.records.changes import Difference
from storage.tables import changes
from tests.conftest import ADA, CHURN, NOW


def test_a_new_state_of_a_model_file_is_a_change_with_its_keys(db: sqlite3.Connection) -> None:
    def init(text: str, sha256: str, path: str = "/srv/churn.toml", reviewed_by: str | None = None) -> bool:
        return register(
            db, "churn", path=path, text=text, sha256=sha256 * 64, reviewed_by=reviewed_by, actor=ADA, now=NOW
        )

    assert init(CHURN, "a")
    assert changes.feed(db) == []
    assert not init(CHURN, "a")
    assert init(CHURN.replace("0.68", "0.60"), "b")
    assert init(CHURN, "a", reviewed_by="lin")  # put back: that is a change as well
    assert init(CHURN + "# why\n", "c")
    assert init(CHURN + "# why\n", "c", path="/etc/churn.toml")
    told = changes.feed(db, descending=False)
    assert [(c.subject, c.size, c.unreviewed) for c in reversed(told)] == [
        ("churn.toml: metrics[0].slo", 1, True),
        ("churn.toml: metrics[0].slo", 1, False),
        ("churn.toml: no key differs", 0, True),
        ("churn.toml: moved to another path", 0, True),
    ]
    found = deployed_changes.details(db, changes.get(db, "changes", 1))
    assert found is not None
    assert found.differences == (Difference("model file", "metrics[0].slo", '">= 0.68"', '">= 0.60"'),)
