"""Writes the rows of a drill as files: logs in the format of its shape, labels as CSV, versions on disk."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sample_data import linear, versions
from sample_data.drills.draw import Draw
from sample_data.records import LogFile, Version
from sample_data.writing import Part, cells, json_line, stamps, write_csv, write_lines, write_parquet

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_logs(directory: Path, draw: Draw, reference: int) -> list[LogFile]:
    """One file a window; the first `reference` of them carry labels and are reference."""
    shape, marks = draw.shape, draw.columns[draw.shape.version]
    files = []
    for index, window in enumerate(draw.windows):
        first, last = index * draw.rows, (index + 1) * draw.rows
        path = directory / "logs" / shape.name / f"{window.start:%Y-%m-%dT%H%M}{shape.suffix}"
        role = "reference" if index < reference else "serving"
        live = tuple(sorted(set(marks[first:last].tolist())))
        files.append(LogFile(path, role, window.start, window.end, window.end, draw.rows, live))
    columns = {**draw.columns, shape.label: draw.truth}
    parts = [
        Part(
            file.path,
            index * draw.rows,
            (index + 1) * draw.rows,
            [name for name in columns if index < reference or name != shape.label],
        )
        for index, file in enumerate(files)
    ]
    if shape.suffix == ".parquet":
        write_parquet(columns, parts)
    elif shape.suffix == ".csv":
        text = {name: _texts(values, draw.cells.get(name)) for name, values in columns.items()}
        for part in parts:
            write_csv(part.path, {name: text[name][part.first : part.last] for name in part.columns})
    else:
        plain = {name: _plain(values) for name, values in columns.items()}
        for part in parts:
            rows = zip(*(plain[name][part.first : part.last] for name in part.columns), strict=True)
            write_lines(part.path, (json_line(dict(zip(part.columns, row, strict=True))) for row in rows))
    return files


def write_labels(directory: Path, draw: Draw, logs: list[LogFile], reference: int) -> list[LogFile]:
    """One label file for each serving file, as many rows as have a label; a window without any has no file.

    Beside id and label it tells when the row was scored, as its log does.
    """
    shape, files = draw.shape, []
    ids, times = draw.columns[shape.id], stamps(draw.columns[shape.time])
    label = cells(draw.label, 3 if draw.label.dtype.kind == "f" else None)
    for index, log in list(enumerate(logs))[reference:]:
        chosen = [row for row in range(index * draw.rows, (index + 1) * draw.rows) if draw.labelled[row]]
        path = directory / "labels" / shape.name / f"labels-{log.window_start:%Y-%m-%dT%H%M}.csv"
        if chosen:
            told = {shape.id: ids, shape.time: times, shape.label: label}
            write_csv(path, {name: [values[row] for row in chosen] for name, values in told.items()})
            files.append(
                LogFile(path, "labels", log.window_start, log.window_end, log.arrived + shape.lag, len(chosen))
            )
    return files


def write_golden(path: Path, draw: Draw) -> None:
    """The rows with known answers, as they were when they were frozen: id, features and prediction a line."""
    shape = draw.shape
    lines = []
    for row in range(shape.golden):
        features = {name: _plain(draw.columns[name][row : row + 1])[0] for name in shape.schema}
        answer = _plain(draw.columns[shape.prediction][row : row + 1])[0]
        lines.append(json_line({"id": draw.columns[shape.id][row], "features": features, "prediction": answer}))
    write_lines(path, lines)


def write_versions(
    home: Path, draw: Draw, start: datetime, names: list[str], training: dict[str, Any]
) -> list[Version]:
    """Each version with five artifacts; its `data.json` names a sample of its training rows and its offline metrics.

    `training` holds the columns of the sample, the label's included. Of a version that learned from a leak or from
    flipped labels the sample holds the leaking column as it was filled in afterwards, and the labels as they were.
    """
    import numpy as np

    shape, written = draw.shape, []
    for number, name in enumerate(names):
        trained = start - timedelta(days=9 * (len(names) - number))
        spec = draw.specs.get(name) or _spec(draw, name, number)
        sample, label = dict(training), np.asarray(training[shape.label])
        rng = np.random.default_rng(number)
        if name in draw.flipped:
            label = np.where(rng.random(len(label)) < draw.flipped[name], 1 - label, label)
            sample[shape.label] = label
        if name in draw.leaky:
            late = rng.poisson(1.2, len(label)) + 1.0
            sample[draw.leaky[name]] = np.where(label == 1, late, 0.0)
        facts: dict[str, Any] = {"label_join": shape.id, **draw.manifests.get(name, {}), "sample": "training.parquet"}
        if shape.specs:
            facts["offline"] = _offline(spec, sample, label)
        version = versions.write_version(
            home,
            name,
            spec=spec,
            data=versions.data_manifest(
                f"warehouse.{shape.name}", trained - timedelta(days=60), trained, 400_000 + 977 * number, **facts
            ),
            schema=dict(shape.schema),
            config=versions.training_config(shape.name, learner="additive", l2=0.01),
            commit=f"{shape.name}-code",
            seed=number,
            trained_at=trained,
        )
        rows = len(label)
        write_parquet(sample, [Part(version.folder / "training.parquet", 0, rows, list(sample))])
        written.append(version)
    return written


def _spec(draw: Draw, name: str, number: int) -> dict[str, Any]:
    """The scorer of a version; an older one is like the first, and a queue has no additive scorer."""
    if not draw.shape.specs:
        return {"link": "softmax", "number": number}
    return draw.shape.specs.get(name) or linear.changed(draw.shape.specs["v7"], -1.0, 0.97, (0.01,))


def _offline(spec: dict[str, Any], sample: dict[str, Any], label: NDArray[Any]) -> dict[str, float]:
    """What whoever trained it will have measured: AUC, or the mean absolute error."""
    import numpy as np

    told = linear.predict(spec, sample)
    if spec["link"] == "identity":
        return {"mae": round(float(np.abs(told - label).mean()), 3)}
    _, place, counts = np.unique(told, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = int((label == 1).sum())
    wins = rank[label == 1].sum() - positive * (positive + 1) / 2
    return {"auc": round(float(wins / max(positive * (len(told) - positive), 1)), 4)}


def _texts(values: NDArray[Any], instead: NDArray[Any] | None) -> list[str]:
    if values.dtype.kind == "M":
        return stamps(values)
    told = cells(values, 3 if values.dtype.kind == "f" else None)
    return told if instead is None else [other or cell for cell, other in zip(told, instead.tolist(), strict=True)]


def _plain(values: NDArray[Any]) -> list[Any]:
    """JSON values; empty texts and NaN are null, whole floats whole numbers."""
    if values.dtype.kind == "M":
        return list(stamps(values))
    if values.dtype.kind == "f":
        return [None if v != v else int(v) if v == int(v) else v for v in values.tolist()]
    return [None if value == "" else value for value in values.tolist()]
