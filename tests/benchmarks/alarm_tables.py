"""Tables to plant faults into: real days where the data has days, and days drawn from its rows where it has none.

- ``flights``: New York 2013, real days; weather and planes where their tables are given.
- ``bikes``: hourly rentals 2011-2012, real days; an hour's record counts once for every few of its rides.
- ``employment``: rows in file order (2015 to 2018); each day is drawn from a stretch that moves through the file.
- ``adult``, ``bank``: no days at all; each is drawn with a mix that wanders slowly and has a weekly season.
- ``made``: no real data; for tests, and for a run without any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.alarm_faults import Table

DAYS = 160
"""Days drawn where the data has none."""

HOURS = np.array([1, 1, 1, 1, 2, 4, 8, 14, 20, 22, 21, 20, 20, 21, 22, 21, 20, 18, 15, 12, 9, 6, 4, 2], float)
"""Rows by the hour of a drawn day."""

DECEMBER = pd.Timestamp("2024-12-02")


def flights(data: Path, draw: np.random.Generator) -> Table:
    """Flights by the day they were to leave; whether one came more than a quarter of an hour late is the label."""
    rows = pd.read_csv(data / "nycflights13.csv.gz").dropna(subset=["arr_delay"])
    date = pd.to_datetime(rows[["year", "month", "day"]])
    minute = rows["sched_dep_time"] // 100 * 60 + rows["sched_dep_time"] % 100
    rows = rows.assign(
        ts=date + pd.to_timedelta(minute, unit="min"), date=date.dt.strftime("%Y-%m-%d"), dep_minute=minute * 1.0,
        dep_hour=(minute // 60).astype(float), label=(rows["arr_delay"] > 15).astype(int),
        distance=rows["distance"].astype(float),
    )  # fmt: skip
    by = ["origin", "date", "dep_hour"]
    hourly = rows.groupby(by).agg(origin_flights_1h=("dep_delay", "size"), origin_delay_1h=("dep_delay", "mean"))
    before = hourly.reset_index().assign(dep_hour=lambda h: h["dep_hour"] + 1)
    rows = rows.merge(before, on=by, how="left").assign(origin_flights_1h=lambda r: r["origin_flights_1h"].fillna(0.0))
    numbers = ["distance", "dep_hour", "dep_minute", "origin_flights_1h", "origin_delay_1h"]
    texts = ["carrier", "origin", "dest"]
    if (weather := data / "weather.csv").exists():
        hours = pd.read_csv(weather).rename(columns={"hour": "dep_hour"})
        rows = rows[rows["date"].isin(hours["date"])].merge(hours, on=by, how="left")
        numbers += ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    if (planes := data / "planes.csv").exists():
        rows = rows.merge(pd.read_csv(planes), on="tailnum", how="left")
        numbers += ["plane_year", "engines", "seats"]
        texts += ["manufacturer", "engine"]
    rows = rows.sort_values("ts", kind="stable")
    day = rows["date"].astype("category").cat.codes.astype(int)
    dates = dict(zip(day, rows["date"], strict=True))
    return _table("flights", rows.assign(day=day), numbers, texts, ("dep_hour",), ("dep_minute",), dates)


def bikes(data: Path, draw: np.random.Generator) -> Table:
    """Rentals by the hour; whether more will be rented in the next hour is the label."""
    rows = pd.read_csv(data / "bike_sharing.csv.gz")
    rows["label"] = (rows["count"].shift(-1) > rows["count"]).astype(int)
    rows["rented_1h"] = rows["count"].shift(1).astype(float)
    rows["rented_24h"] = rows["count"].shift(24).astype(float)
    times = rows.loc[rows.index.repeat(1 + rows["count"] // 6)].reset_index(drop=True)
    seconds = times["hour"] * 3600 + draw.integers(0, 3600, len(times))
    times["ts"] = pd.to_datetime(times["date"]) + pd.to_timedelta(seconds, unit="s")
    times = times.sort_values("ts", kind="stable").assign(weather=lambda t: t["weather"].astype(str))
    times["working_day"] = times["working_day"].map({True: "yes", False: "no"})
    day = times["date"].astype("category").cat.codes.astype(int)
    numbers = ["hour", "temperature", "apparent_temperature", "humidity", "windspeed", "rented_1h", "rented_24h"]
    dates = dict(zip(day, times["date"], strict=True))
    return _table("bikes", times.assign(day=day), numbers, ["season", "weather", "working_day"], ("hour",), (), dates)


def employment(data: Path, draw: np.random.Generator) -> Table:
    """People of Massachusetts in the order of the file; whether one is employed is the label."""
    rows = pd.read_csv(data / "employment_MA.csv.gz").rename(columns={"employed": "label"})
    texts = ["MAR", "DIS", "CIT", "MIG", "MIL", "SEX", "RAC1P"]
    rows[texts] = rows[texts].apply(lambda c: c.name + c.astype(str))
    numbers = ["AGEP", "SCHL", "RELP", "ESP", "ANC", "NATIVITY"]
    return _drawn("employment", rows, numbers, texts, draw, moving=True)


def adult(data: Path, draw: np.random.Generator) -> Table:
    """Census of 1994; whether one earns more than 50,000 is the label."""
    rows = pd.read_csv(data / "adult.csv.gz")
    rows["label"] = rows["income"].str.contains(">").astype(int)
    numbers = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
    texts = ["workclass", "education", "marital-status", "occupation", "relationship", "sex", "native-country"]
    return _drawn("adult", rows, numbers, texts, draw)


def bank(data: Path, draw: np.random.Generator) -> Table:
    """Calls of a bank; whether the client said yes is the label."""
    rows = pd.read_csv(data / "bank_marketing.csv.gz")
    rows["label"] = (rows["y"] == "yes").astype(int)
    numbers = ["age", "balance", "day_of_month", "duration", "campaign", "pdays", "previous"]
    texts = ["job", "marital", "education", "default", "housing", "loan", "contact", "poutcome"]
    return _drawn("bank", rows.rename(columns={"day": "day_of_month"}), numbers, texts, draw)


def made(data: Path, draw: np.random.Generator) -> Table:
    """Rows of no real thing: numbers that depend on each other and on two texts, some of them missing."""
    n = 60_000
    region = draw.choice(["north", "south", "east", "west", "abroad"], n, p=[0.35, 0.25, 0.2, 0.15, 0.05])
    plan = draw.choice(["free", "basic", "gold"], n, p=[0.5, 0.35, 0.15])
    age = np.round(draw.normal(42, 12, n).clip(18, 90))
    spend = np.round(draw.lognormal(3, 0.8, n) * np.where(plan == "gold", 2.0, 1.0), 2)
    rows = pd.DataFrame(
        {"region": region, "plan": plan, "age": age, "spend": spend, "tax": np.round(0.2 * spend, 2),
         "visits": draw.poisson(3 + (region == "north"), n).astype(float), "score": draw.beta(2, 5, n)}
    )  # fmt: skip
    rows.loc[draw.random(n) < 0.05, "score"] = np.nan
    logit = 0.02 * (age - 42) + 0.6 * (plan == "gold") + 0.15 * rows["visits"] - 1.2
    rows["label"] = (draw.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    return _drawn("made", rows, ["age", "spend", "tax", "visits", "score"], ["region", "plan"], draw)


TABLES: Mapping[str, Callable[[Path, np.random.Generator], Table]] = {
    f.__name__: f for f in (flights, bikes, employment, adult, bank, made)
}


def _drawn(
    name: str,
    rows: pd.DataFrame,
    numbers: Sequence[str],
    texts: Sequence[str],
    draw: np.random.Generator,
    *,
    moving: bool = False,
) -> Table:
    """Days drawn from the rows.

    Where they do not move through the file, a row's weight is ``exp(sum of a_k(day) * z_k(row))`` over three columns
    that wander (first-order autoregression, 0.9) and swing by the week. Each row is drawn for one day at most as far
    as they suffice. The size of a day follows the week too.
    """
    size = float(np.clip(len(rows) / (DAYS * 0.7), 350, 1400))
    standard = rows[numbers[:3]].rank(pct=True).to_numpy() * 2 - 1
    wander, season = np.zeros(standard.shape[1]), draw.normal(0, 0.08, (7, standard.shape[1]))
    week = np.exp(draw.normal(0, 0.12, 7))
    parts = []
    for day in range(DAYS):
        wander = 0.9 * wander + draw.normal(0, 0.05, len(wander))
        n = int(draw.poisson(size * week[day % 7] * np.exp(draw.normal(0, 0.04))))
        if moving:
            stretch = len(rows) // 12
            first = int((len(rows) - stretch) * day / DAYS)
            chosen = first + draw.choice(stretch, min(n, stretch), replace=False)
        else:
            weight = np.exp(standard @ (wander + season[day % 7]))
            chosen = draw.choice(len(rows), n, replace=False, p=weight / weight.sum())
        part = rows.iloc[chosen].copy()
        hour = draw.choice(24, n if not moving else len(part), p=HOURS / HOURS.sum())
        seconds = np.sort(hour * 3600 + draw.integers(0, 3600, len(part)))
        part["ts"] = DECEMBER + pd.to_timedelta(day, unit="D") + pd.to_timedelta(seconds, unit="s")
        part["day"] = day
        parts.append(part)
    dates = {day: f"{DECEMBER + pd.to_timedelta(day, unit='D'):%Y-%m-%d}" for day in range(DAYS)}
    return _table(name, pd.concat(parts), numbers, texts, (), (), dates)


def _table(
    name: str,
    rows: pd.DataFrame,
    numbers: Sequence[str],
    texts: Sequence[str],
    hours: tuple[str, ...],
    minutes: tuple[str, ...],
    dates: Mapping[int, str],
) -> Table:
    rows = rows.reset_index(drop=True).assign(request_id=lambda r: r.index)
    rows[[*numbers]] = rows[[*numbers]].astype(float)
    rows[[*texts]] = rows[[*texts]].astype(object).where(rows[[*texts]].notna(), None)
    kept = rows[["ts", "request_id", *texts, *numbers, "label", "day"]]
    return Table(name, kept, tuple(numbers), tuple(texts), hours, minutes, dates)
