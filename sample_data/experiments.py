"""What the teams tried: registered before results, most of it killed, some of it launched; three go on at the end."""

from __future__ import annotations

from datetime import datetime, timedelta

from sample_data.churn_versions import V41_LIVE, V43_TESTED
from sample_data.records import PastExperiment, PastResult, PastStep
from sample_data.windows import NIGHT

PREDICTED = timedelta(minutes=10)
"""How long before it was tested the retraining of the night was registered."""


def experiments(end: datetime, planted: bool) -> tuple[PastExperiment, ...]:
    """All of them, by when they were registered; those that go on are carried by the candidates."""
    return tuple(sorted([*_churn(end, planted), *_others(end)], key=lambda one: one.at))


def _churn(end: datetime, planted: bool) -> list[PastExperiment]:
    night = end - NIGHT

    def ago(days: float) -> datetime:
        return night - timedelta(days=days, hours=-10)

    told = [
        PastExperiment(
            "sessions", "churn", "days since the last session", "features", "p.okafor", ago(150),
            "who stays away for a week is on the way out, before spend says so", "auc", (0.004, 0.012), 0.004,
            "support desk",
            results=(
                PastResult("test", 0.011, 0.006, 0.016, 9_000, ago(144)),
                PastResult("shadow", 0.006, -0.001, 0.013, 5_100, ago(136)),
                PastResult("full", 0.005, 0.001, 0.009, 21_000, ago(110), note="against 5 % left on the old version"),
            ),
            steps=(
                PastStep("launch", ago(131)),
                PastStep("drop", ago(62), "the app no longer tells when a session ends"),
            ),
            hours=30,
        ),
        PastExperiment(
            "boosting", "churn", "boosted trees in place of the linear model", "model", "m.ito", ago(140),
            "spend and sessions matter together, which a linear model can't see", "auc", (0.01, 0.03), 0.008,
            "a paper",
            results=(
                PastResult("test", 0.021, 0.015, 0.027, 9_000, ago(130)),
                PastResult("shadow", 0.006, -0.001, 0.013, 4_800, ago(120)),
            ),
            steps=(PastStep("kill", ago(118), "less than a third was left in shadow, at twice the latency"),),
            hours=64,
        ),
        PastExperiment(
            "deeper", "churn", "deeper trees", "parameters", "m.ito", ago(128),
            "three splits are too few for plan, spend and sessions", "auc", (0.002, 0.01), 0.004,
            "a paper", parent="boosting",
            results=(
                PastResult("test", 0.004, -0.001, 0.009, 9_000, ago(125)),
                PastResult("shadow", -0.002, -0.009, 0.005, 4_700, ago(114)),
            ),
            steps=(PastStep("kill", ago(112), "no gain in shadow"),),
            hours=18,
        ),
        PastExperiment(
            "spend", "churn", "spend of thirty days, capped", "features", "p.okafor", ago(120),
            "one large order hides that somebody stopped buying", "auc", (0.003, 0.01), 0.004,
            "failure cases", parent="sessions",
            results=(
                PastResult("test", 0.008, 0.003, 0.013, 8_800, ago(113)),
                PastResult("shadow", 0.001, -0.006, 0.008, 5_000, ago(101)),
            ),
            steps=(PastStep("kill", ago(98), "it says what sessions say already"),),
            hours=22,
        ),
        PastExperiment(
            "early-labels", "churn", "labels after 14 days instead of 30", "data", "a.lindqvist", ago(105),
            "fresher labels follow customers better", "auc", (0.005, 0.015), 0.004, "a paper",
            results=(
                PastResult("test", 0.015, 0.010, 0.020, 9_200, ago(99)),
                PastResult("shadow", -0.004, -0.011, 0.003, 4_900, ago(90)),
            ),
            steps=(PastStep("kill", ago(88), "worse in shadow than what it was to replace"),),
            hours=26,
            explained=(
                "who comes back within the month counts as gone: offline it was right about its own labels",
                "fresher labels are other labels",
                ago(86),
            ),
        ),
        PastExperiment(
            "weights", "churn", "heavier weights for rare plans", "parameters", "p.okafor", ago(94),
            "rare plans are wrong most often", "auc", (0.002, 0.008), 0.004, "failure cases",
            results=(PastResult("test", 0.001, -0.004, 0.006, 8_900, ago(92)),),
            steps=(PastStep("kill", ago(91), "nothing offline"),),
            hours=6,
        ),
        PastExperiment(
            "counters", "churn", "all thirty marketing counters", "features", "m.ito", ago(86),
            "who clicks on nothing any more leaves", "auc", (0.004, 0.015), 0.004, "marketing",
            results=(
                PastResult("test", 0.007, 0.002, 0.012, 9_000, ago(81)),
                PastResult("shadow", 0.001, -0.006, 0.008, 5_200, ago(72)),
            ),
            steps=(PastStep("kill", ago(70), "they move with every campaign, whoever leaves"),),
            hours=20,
        ),
        PastExperiment(
            "contract", "churn", "month of the contract", "features", "a.lindqvist", ago(74),
            "contracts end with the year", "auc", (0.004, 0.012), 0.004, "support desk", parent="sessions",
            results=(
                PastResult("test", 0.009, 0.004, 0.014, 9_100, ago(69)),
                PastResult("shadow", 0.007, 0.000, 0.014, 5_000, ago(61)),
            ),
            steps=(PastStep("drop", ago(60), "legal: the contract's date may not be used to score people"),),
            hours=14,
        ),
        PastExperiment(
            "more-rows", "churn", "a year of rows instead of a quarter", "data", "m.ito", ago(60),
            "a quarter holds no winter", "auc", (0.002, 0.008), 0.003, "failure cases", version="v40",
            results=(
                PastResult("test", 0.006, 0.001, 0.011, 9_000, ago(53)),
                PastResult("shadow", 0.004, -0.003, 0.011, 5_000, ago(45)),
                PastResult("full", 0.003, -0.001, 0.007, 20_400, ago(30), note="against 5 % left on the old version"),
            ),
            steps=(PastStep("launch", night - timedelta(days=43)),),
            hours=12,
        ),
        PastExperiment(
            "calibrated", "churn", "calibration by plan", "rule", "a.lindqvist", ago(30),
            "one threshold for all plans annoys those who never leave", "log_loss", (0.002, 0.01), 0.003,
            "support desk",
            results=(PastResult("test", 0.005, -0.001, 0.011, 4_100, ago(24)),),
            steps=(PastStep("hold", ago(20), "waits for the labels of the winter campaign"),),
            hours=10,
        ),
        PastExperiment(
            "fresher", "churn", "ten days fresher rows", "data", "m.ito", ago(17),
            "habits of the last weeks tell more than those of a year ago", "auc", (0.002, 0.01), 0.003,
            "failure cases", parent="more-rows", version="v41",
            results=(
                PastResult("test", 0.010, 0.004, 0.016, 4_800, end - V41_LIVE - timedelta(hours=22)),
                PastResult("shadow", 0.008, 0.001, 0.015, 5_120, end - V41_LIVE - timedelta(hours=1)),
            ),
            steps=(PastStep("launch", end - V41_LIVE),),
            hours=5,
        ),
    ]  # fmt: skip
    if planted:
        told.append(
            PastExperiment(
                "no-join",
                "churn",
                "retrained without the join on user_id",
                "data",
                "m.ito",
                end - V43_TESTED - PREDICTED,
                "it scores at least as well as what is live",
                "auc",
                (0.0, 0.02),
                0.003,
                "an incident",
                parent="fresher",
                version="v43",
            )
        )
    return told


def _others(end: datetime) -> list[PastExperiment]:
    night = end - NIGHT

    def ago(days: float) -> datetime:
        return night - timedelta(days=days, hours=-10)

    return [
        PastExperiment(
            "regions", "eta", "traffic_index by region", "features", "p.okafor", ago(50),
            "one index for the city is wrong at its edges", "mae", (0.1, 0.4), 0.1, "drivers",
            results=(
                PastResult("test", 0.15, 0.02, 0.28, 6_000, ago(45)),
                PastResult("canary", -0.05, -0.30, 0.20, 900, ago(38)),
            ),
            steps=(PastStep("kill", ago(36), "nothing in the canary, and the feed by region is often late"),),
            hours=16,
        ),
        PastExperiment(
            "robust", "eta", "robust loss", "model", "p.okafor", night - timedelta(days=6),
            "a few very late trips pull every other estimate up", "mae", (0.1, 0.4), 0.1, "failure cases",
            version="v10", hours=9,
        ),
        PastExperiment(
            "refunds", "assistant", "refunds reworded", "other", "j.haddad", night - timedelta(days=9),
            "people who ask for their money back are told more clearly what to do", "auc", (0.002, 0.01), 0.004,
            "support desk", version="v6", hours=7,
        ),
    ]  # fmt: skip
