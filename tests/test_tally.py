"""Tallies of rows and documents against pandas."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.engine.tally import N_REASONS, PLACED, Tally
from geoclusters.schema import WEIGHT_ONE


def random_rows(seed, n_runs):
    """Rows in runs of all lengths that agree in source, metric and reason."""
    rng = np.random.default_rng(seed)
    run = np.repeat(np.arange(n_runs), rng.integers(1, 700, n_runs))
    n = len(run)
    return pd.DataFrame(
        {
            "source": rng.integers(0, 3, n_runs)[run].astype(np.int16),
            "metric": rng.integers(0, 2, n_runs)[run].astype(np.uint8),
            "reason": rng.choice([PLACED, PLACED, 1, 5], n_runs)[run].astype(np.int8),
            "document": rng.integers(0, 3, n).astype(np.uint64),
            "country": rng.integers(-1, 3, n).astype(np.int16),
            "repaired": rng.random(n) < 0.1,
            "weight": rng.integers(0, WEIGHT_ONE, n),
            "starts": rng.random(n) < 0.4,
        }
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_rows_and_documents_are_those_of_pandas(seed, n_runs):
    rows = random_rows(seed, n_runs)
    given_ = SimpleNamespace(**{name: rows[name].to_numpy() for name in rows})
    tally = Tally.of(3, 2)
    tally.see_weighed(given_, given_)
    counted = rows.groupby(["source", "reason"]).size()
    assert {
        (s, r): tally.rows[s, r] for s in range(3) for r in range(N_REASONS) if tally.rows[s, r]
    } == (counted.to_dict())
    placed = rows[rows["reason"] == PLACED]
    rows["worth"] = np.where(rows["document"] != 0, WEIGHT_ONE, rows["weight"]) * rows["starts"]
    for metric in range(2):
        mine = rows[rows["metric"] == metric]
        assert tally.documents[metric] == mine["worth"].sum()
        assert tally.unplaced[metric] == mine.loc[mine["reason"] != PLACED, "weight"].sum()
    for source in range(3):
        assert tally.repaired[source] == placed.loc[placed["source"] == source, "repaired"].sum()
    assert tally.unstated[0] == (placed["country"] < 0).sum()
