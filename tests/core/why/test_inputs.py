"""What moved with everything else is no story of its own."""

import numpy as np

from core.why.inputs import swept
from tests.core.checks.batches import alone, shop_day


def moved(where: str) -> bool:
    """A basket half as large again, in LATAM or in every region."""
    before, now = (shop_day(np.random.default_rng(seed), 1, rows=4000) for seed in (1, 2))
    hit = (now["region"] == "LATAM") | (where == "everywhere")
    now["basket"] = np.where(hit, now["basket"] * 1.5, now["basket"])
    return swept(alone(now, before), "basket", "region=LATAM")


def test_a_slice_is_swept_along_only_where_the_rest_moved_too() -> None:
    assert moved("everywhere")
    assert not moved("LATAM")


def test_an_unknown_slice_is_not_swept_along() -> None:
    day = shop_day(np.random.default_rng(1), 1, rows=500)
    assert not swept(alone(day, day), "basket", "region=MOON")
    assert not swept(alone(day, day), "basket", None)
