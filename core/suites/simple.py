"""What a candidate gains over a simple baseline on the same rows: a prior, a logistic or linear model, a shallow tree.

The simple baseline is fitted on the other side of the split (the older rows); where all rows are evaluated it is fitted
crosswise in five parts, so that no row is predicted by what has seen it (the prior, which is one number, on all).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.metrics.base import Sample
from core.metrics.registry import metric
from core.suites.compare import Pair
from core.suites.differences import difference, taken
from core.suites.doors import features
from core.suites.rows import OpenRows
from storage.records.models import MetricSpec, ModelFile
from storage.records.suites import SimpleGain

if TYPE_CHECKING:
    from core.metrics.base import Array

TRAINED = 50_000
"""Rows it is fitted on, at most: the newest of the older ones."""

FEATURES = 60
CATEGORIES = 12
"""Values of a text column that are told apart; all others are one."""

DEPTH = 4
FOLDS = 5
LEAST = 50
"""Labelled rows, at the least, to fit on."""

WORDS = {
    ("prior", "binary"): "the share of positives for every row",
    ("prior", "multiclass"): "the most frequent class for every row",
    ("prior", "regression"): "the mean label for every row",
    ("logistic", "binary"): "a logistic regression",
    ("logistic", "multiclass"): "a logistic regression",
    ("logistic", "regression"): "a linear regression",
    ("tree", "binary"): f"a tree of depth {DEPTH}",
    ("tree", "multiclass"): f"a tree of depth {DEPTH}",
    ("tree", "regression"): f"a tree of depth {DEPTH}",
}


def expressions(rows: OpenRows) -> dict[str, str]:
    """SQL that turns features into numbers: numbers as they are, each frequent value of a text column as 0 or 1.

    Ids, times, and columns that are known only afterwards are left out; so are redacted ones.
    """
    from storage.logs.quoting import sql_name, sql_text

    roles, file = rows.file.columns, rows.file
    if file.suite.simple == "prior":
        return {}
    apart = {roles.id, roles.time, roles.user, roles.host, *roles.redact}
    kinds = {column.name: column.kind for column in rows.source.columns}
    found: dict[str, str] = {}
    for column in features(rows):
        if column in apart or len(found) >= FEATURES or kinds[column] == "time":
            continue
        if kinds[column] == "text":
            counted = rows.source.category_counts(column, limit=CATEGORIES + 1)
            for value, _ in counted[:CATEGORIES]:
                if value is not None:
                    found[f"{column}={value}"] = f"coalesce({sql_name(column)}::varchar = {sql_text(value)}, false)"
        else:
            found[column] = f"{sql_name(column)}::double"
    return found


def gain(
    pair: Pair, spec: MetricSpec, held: Mapping[str, Array], older: Mapping[str, Array], truth: Array, seed: str
) -> SimpleGain:
    """The gain of the candidate by one built-in metric.

    Args:
        held: features of the rows of ``pair``, in their order.
        older: features of the rows to fit on, with their labels in ``truth``; empty where all rows are evaluated.
    """
    import numpy as np

    file, kind = pair.file, metric(spec.name, pair.file)
    words = WORDS[file.suite.simple, file.task]
    judged = pair.candidate.judged()
    candidate = taken(pair.candidate, judged)
    candidate = Sample(
        file.task, candidate.scores, candidate.labels, threshold=spec.threshold, classes=candidate.classes
    )
    table = _table({name: values[judged] for name, values in held.items()}, int(judged.sum()))
    crosswise = truth.size == 0
    fit_on, labels = _table(older, truth.size), truth
    known = np.isfinite(labels)
    fit_on, labels = fit_on[known], labels[known]
    trained = candidate.labels.size if crosswise else labels.size
    if trained < LEAST or candidate.labels.size < max(2, file.labels.minimum):
        what = f"{trained:,} labelled rows to fit on" if trained < LEAST else f"{candidate.labels.size:,} labels"
        sentence = f"the gain over {words} can't be told: only {what}"
        return SimpleGain(
            file.suite.simple, spec.name, None, None, None, None, file.suite.gain, trained, None, sentence
        )
    if crosswise and file.suite.simple == "prior":  # one number: fitting it crosswise would turn it against the rows
        told = _fitted(file, table, candidate.labels, table)
    elif crosswise:
        told = _crosswise(file, table, candidate.labels)
    else:
        told = _fitted(file, fit_on, labels, table)
    simple = Sample(file.task, told, candidate.labels, threshold=spec.threshold)
    read = kind.read(kind.sums(simple))
    by, _ = difference(kind, candidate, simple, seed)
    if read.value is None or by.value is None:
        sentence = f"the gain over {words} can't be told: {read.note or by.note}"
        return SimpleGain(
            file.suite.simple, spec.name, None, None, None, None, file.suite.gain, trained, None, sentence
        )
    sign = 1.0 if kind.direction == "up" else -1.0
    value = sign * by.value
    edges = sorted(sign * edge for edge in (by.low, by.high) if edge is not None)
    low, high = (edges[0], edges[1]) if len(edges) == 2 else (None, None)
    reached = value >= file.suite.gain
    sentence = _sentence(spec, words, read.value, value, file.suite.gain, reached)
    return SimpleGain(
        file.suite.simple, spec.name, read.value, value, low, high, file.suite.gain, trained, reached, sentence
    )


def _sentence(spec: MetricSpec, words: str, value: float, won: float, needed: float, reached: bool) -> str:
    what = f"{words} has {spec.name} {value:.4g} on the same rows"
    if won <= 0:
        return f"{what}: the candidate is no better than that ({won:+.4g}), so that the simple one would do"
    if not reached:
        return f"{what}: the candidate gains {won:+.4g}, less than the {needed:g} that the suite asks for"
    return f"{what}: the candidate gains {won:+.4g}, and that is all its complexity buys"


def _table(columns: Mapping[str, Array], rows: int) -> Array:
    import numpy as np

    return np.column_stack(list(columns.values())) if columns else np.zeros((rows, 0))


def _crosswise(file: ModelFile, table: Array, labels: Array) -> Array:
    """Each fifth of the rows from a fit on the others."""
    import numpy as np

    fold = np.arange(labels.size) % FOLDS
    told = np.empty(labels.size)
    for part in range(FOLDS):
        rest = fold != part
        told[fold == part] = _fitted(file, table[rest], labels[rest], table[fold == part])
    return told


def _fitted(file: ModelFile, table: Array, labels: Array, wanted: Array) -> Array:
    """Predictions for ``wanted`` from a fit on ``table``; the prior where there is nothing to fit."""
    import numpy as np

    if file.suite.simple == "prior" or table.shape[1] == 0 or np.unique(labels).size < 2:
        if file.task == "multiclass":
            values, counts = np.unique(labels, return_counts=True)
            return np.full(wanted.shape[0], values[counts.argmax()])
        return np.full(wanted.shape[0], labels.mean())
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    regression, tree = file.task == "regression", file.suite.simple == "tree"
    if tree:
        last = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(
            max_depth=DEPTH, min_samples_leaf=max(5, labels.size // 200), random_state=0
        )
    else:
        last = Ridge() if regression else LogisticRegression(max_iter=1_000)
    table, wanted = (np.where(np.isfinite(one), one, np.nan) for one in (table, wanted))
    held = ~np.isnan(table).all(axis=0)
    fitted = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), last).fit(table[:, held], labels)
    if file.task == "binary":
        told: Array = fitted.predict_proba(wanted[:, held])[:, 1]
    else:
        told = np.asarray(fitted.predict(wanted[:, held]), dtype=float)
    return told
