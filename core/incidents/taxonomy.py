"""Causes have two words, ``layer/category``, so that the tail of unique bugs can be counted."""

from __future__ import annotations

import difflib

from storage.errors import UsageError
from storage.records.changes import LAYERS

CATEGORIES: tuple[str, ...] = (
    "data",
    "schema",
    "unit",
    "label",
    "feature",
    "training",
    "config",
    "code",
    "deploy",
    "capacity",
    "upstream",
    "rule",
    "none",
)
"""What kind of mistake it was; ``none`` where nothing was wrong (natural drift, too few labels)."""

TESTS: dict[str, tuple[str, str]] = {
    "config": ("compare the two versions' config, key by key", "midwatch diff MODEL A B"),
    "deploy": ("look at what was live at the onset", "midwatch live MODEL --at ONSET"),
    "code": ("compare the two versions' code hashes", "midwatch diff MODEL A B"),
    "training": ("compare training data hashes and label base rates of the two versions", "midwatch diff MODEL A B"),
    "schema": ("validate the first bad batch against the last good one", "midwatch check BAD --like GOOD"),
    "unit": ("look at the ratio of medians of the accused column", "midwatch check BAD --like GOOD"),
    "data": ("look for a slice in which the change is concentrated", "midwatch check BAD --like GOOD --all"),
    "feature": ("compare the two versions' code and environment hashes", "midwatch diff MODEL A B"),
    "label": (
        "compare the label base rate and AUC with 1 - AUC of the last good window",
        "midwatch labels MODEL FILE --json",
    ),
    "upstream": ("list changes of every layer before the onset", "midwatch changes list --model MODEL"),
    "rule": ("list changes of rules and thresholds before the onset", "midwatch changes list --model MODEL"),
    "capacity": ("list infrastructure changes before the onset", "midwatch changes list --layer infrastructure"),
    "none": ("see whether labelled metrics moved at all", "midwatch alerts list --model MODEL"),
}
"""The cheapest next test for each category: what it shows, and its command."""

CHEAPEST_FIRST: tuple[str, ...] = (
    "deploy",
    "config",
    "code",
    "upstream",
    "rule",
    "capacity",
    "none",
    "label",
    "unit",
    "schema",
    "data",
    "training",
    "feature",
)
"""Reading the store comes before reading files, reading files before running a model."""

_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth"}


def parse_cause(text: str) -> str:
    """The cause as it is stored.

    Raises:
        UsageError: not ``layer/category``; the hint names the nearest right word.

    >>> parse_cause(" Component / unit ")
    'component/unit'
    """
    layer, slash, category = (part.strip().lower() for part in text.partition("/"))
    if not slash:
        raise UsageError(f"{text!r} is not a cause", "write layer/category, as in component/unit")
    for word, known, what in ((layer, LAYERS, "layer"), (category, CATEGORIES, "category")):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"there is no {what} {word!r}", hint)
    return f"{layer}/{category}"


def nth_time(count: int) -> str:
    """How often a cause was met, in words.

    >>> nth_time(3), nth_time(21)
    ('third time', '21 times')
    """
    return f"{_ORDINALS[count]} time" if count in _ORDINALS else f"{count} times"
