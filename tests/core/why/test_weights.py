"""What a change is weighed by."""

from datetime import UTC, datetime

import pytest

from core.why.weights import mentions, names_weight
from storage.records.changes import Change


def change(subject: str, by: str | None = None) -> Change:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    return Change("changes", 1, "component", "client", subject, None, None, None, None, None, None, at, by, "test")


@pytest.mark.parametrize(
    ("subject", "name", "found"),
    [
        ("log rotation of the proxies", "pro", False),
        ("prices of pro from today", "pro", True),
        ("serving/churn.yaml: offer_threshold", "offer", True),
        ("demanding users", "demand", False),
    ],
)
def test_a_name_is_mentioned_as_a_whole(subject: str, name: str, found: bool) -> None:
    assert mentions(change(subject), (name,)) is found


def test_who_made_a_change_may_name_the_slice() -> None:
    assert names_weight(change("app 8.2", by="partner_a"), (), ("caller=partner_a",))[1] == ("partner_a",)
    assert names_weight(change("app 8.2", by="partner_b"), (), ("caller=partner_a",))[1] == ()
