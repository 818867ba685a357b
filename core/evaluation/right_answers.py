"""Whether an answer is right: the right class, or near enough by the model file's ``labels.tolerance``."""

from __future__ import annotations

import math

from core.metrics.registry import specs
from storage.errors import UsageError
from storage.logs.label_values import NO, YES
from storage.records.models import ModelFile

GOLDEN = 1e-6
"""How far a golden row's score may lie off, relative to its size (and absolutely under one)."""


def is_right(file: ModelFile, expected: str | None, answer: str | None) -> bool | None:
    """Whether an answer is the expected one; None where that can't be told.

    Binary: the class, from a score by the threshold of the model's accuracy, precision or recall metric (0.5 without).
    Multiclass: the class by its name, whatever its case. Regression: within ``labels.tolerance``; without one nothing
    is right or wrong.
    """
    if expected is None or answer is None:
        return None
    if file.task == "multiclass":
        return expected.strip().casefold() == answer.strip().casefold()
    if file.task == "regression":
        right, told = _number(expected), _number(answer)
        if file.labels.tolerance is None or right is None or told is None:
            return None
        return abs(right - told) <= file.labels.tolerance
    truth, decided = _class(expected, file), decision(file, answer)
    return None if truth is None or decided is None else truth == decided


def badness(file: ModelFile, expected: str | None, answer: str | None) -> tuple[int, float]:
    """How bad an answer is, to sort by: wrong before not known before right, a regression by its distance.

    >>> from storage.records.models import Columns, ModelFile
    >>> file = ModelFile("churn", "binary", Columns(time="ts", prediction="score"))
    >>> badness(file, "1", "0.2") > badness(file, None, "0.2") > badness(file, "0", "0.2")
    True
    """
    right = is_right(file, expected, answer)
    truth, told = _number(expected or ""), _number(answer or "")
    far = abs(truth - told) if file.task == "regression" and truth is not None and told is not None else 0.0
    return (1 if right is None else 0 if right else 2), far


def repeats(score: float, answer: str | None) -> bool:
    """Whether an answer is the golden score again, to one part in a million."""
    told = _number(answer or "")
    return told is not None and abs(told - score) <= GOLDEN * max(1.0, abs(score))


def refuse_unknown_class(file: ModelFile, expected: str) -> None:
    """Refuse a right answer of a binary task that is no label: nothing could ever repeat it.

    Raises:
        UsageError: the task is binary, its labels are told by yes and no, and this is neither.
    """
    if file.task == "binary" and file.labels.positive is None and _class(expected, file) is None:
        known = ", ".join((*sorted(YES), *sorted(NO)))
        raise UsageError(f"{expected!r} is no label of {file.name!r}", f"labels are {known}")


def decision(file: ModelFile, answer: str) -> bool | None:
    """The class that a binary answer stands for: a score by the threshold, else a word; None for what is neither."""
    score = _number(answer)
    if score is not None:
        return score >= threshold(file)
    positive = (file.labels.positive or "").strip().lower()
    if positive not in ("", *YES, *NO):
        return answer.strip().lower() in (*YES, positive)
    return _class(answer, file)


def threshold(file: ModelFile) -> float:
    """From which score on a binary answer counts as positive."""
    return next((s.threshold for s in specs(file) if s.name in ("accuracy", "precision", "recall")), 0.5)


def _class(text: str, file: ModelFile) -> bool | None:
    """A binary label, as late labels are read."""
    word = text.strip().lower()
    if file.labels.positive is not None:
        return word == file.labels.positive.strip().lower()
    return True if word in YES else False if word in NO else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
