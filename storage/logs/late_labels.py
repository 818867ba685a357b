"""Labels that came late, laid beside the rows of an open log: the newest label of each id, in a table of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from storage.errors import SourceError
from storage.logs.engine import in_words
from storage.logs.join import ARRIVAL_COLUMNS, export_rows, label_column
from storage.logs.label_values import plain_text
from storage.logs.quoting import sql_name, sql_text
from storage.logs.source import LogSource, open_log
from storage.records.labels import LabelFile
from storage.records.models import ModelFile

LATE = "__late"
LATE_ID = "__late_id"
LATE_LABEL = "__late_label"


def attach(source: LogSource, model: ModelFile, files: Sequence[LabelFile], *, until: datetime | None = None) -> str:
    """The FROM clause of the log with its late labels: ``log``, joined with them where there are any.

    The label of a later file replaces that of an earlier one, and the last row of an id counts within a file. Rows stay
    in their order.

    Args:
        files: label files in the order they arrived.
        until: labels that became known later are left out, where a file tells when each did.

    Raises:
        SourceError: a file is gone, has changed since it was recorded, or lacks the id or the label column.
    """
    known = {column.name for column in source.columns}
    if not files or model.columns.id is None or model.columns.id not in known:
        return "log"
    con = source.connection
    with in_words("the labels"):
        con.execute(f"create or replace temp table {LATE}_all(id varchar, label varchar, file integer, place bigint)")
        [(spill,)] = con.execute("select current_setting('temp_directory')").fetchall()
        os.makedirs(spill, exist_ok=True)
    for number, file in enumerate(files):
        with open_log(file.path, types={model.columns.id: "text"}) as opened:
            if opened.files[0].sha256 != file.sha256:
                raise SourceError(
                    f"the label file {file.path} has changed since its labels were joined",
                    "put the old file back, or ingest the new one under another name",
                )
            label = plain_text(opened, label_column(opened, model))
            key, known_by = plain_text(opened, model.columns.id), _known_by(opened, until)
            exported = export_rows(opened, f'select {key}, {label}, "__row" from log where {known_by}')
            with in_words(file.path):
                moved = os.path.join(spill, f"labels_{number}.parquet")
                os.replace(exported, moved)
                con.execute(
                    f"insert into {LATE}_all select c0, c1, {number}, c2 "
                    f"from read_parquet({sql_text(moved)}) as t(c0, c1, c2) where c0 is not null and c1 is not null"
                )
                os.unlink(moved)
    with in_words("the labels"):
        con.execute(
            f"create or replace temp table {LATE} as select id as {LATE_ID}, "
            f"arg_max(label, file * 1000000000000 + place) as {LATE_LABEL} from {LATE}_all group by id"
        )
        con.execute(f"drop table {LATE}_all")
    return f"log left join {LATE} on {plain_text(source, model.columns.id)} = {LATE_ID}"


def _known_by(opened: LogSource, until: datetime | None) -> str:
    """The labels that were known at a moment, as SQL; all of a file that does not tell."""
    arrival = next((c.name for c in opened.columns if c.name in ARRIVAL_COLUMNS and c.kind == "time"), None)
    if until is None or arrival is None:
        return "true"
    return f"coalesce(epoch({sql_name(arrival)}) <= {until.timestamp()!r}, true)"
