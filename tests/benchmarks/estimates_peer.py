"""NannyML's estimates, in its own environment: ``python estimates_peer.py ROWS.npz CHUNK``.

The file holds ``score``, ``decided`` and ``truth`` of the reference (``ref_``) and of what comes after (``new_``).
Prints one JSON object: estimated AUC and accuracy of each chunk, and CPU seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from typing import Any

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it would call home
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402


def main() -> None:
    """Run confidence-based performance estimation once."""
    import nannyml

    with np.load(sys.argv[1]) as held:
        sides: list[Any] = [
            pd.DataFrame({name: held[f"{side}_{name}"] for name in ("score", "decided", "truth")})
            for side in ("ref", "new")
        ]
    begun = time.process_time()
    peer = nannyml.CBPE(
        y_pred_proba="score",
        y_pred="decided",
        y_true="truth",
        problem_type="classification_binary",
        metrics=["roc_auc", "accuracy"],
        chunk_size=int(sys.argv[2]),
    )
    found = peer.fit(sides[0]).estimate(sides[1].drop(columns=["truth"])).filter(period="analysis").to_df()
    told = {name: found[(key, "value")].astype(float).tolist() for name, key in (("auc", "roc_auc"), ("accuracy",) * 2)}
    sys.stdout.write(json.dumps({**told, "seconds": time.process_time() - begun}) + "\n")


if __name__ == "__main__":
    main()
