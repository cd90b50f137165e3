"""Customers to work on: made up, and the same on every run."""

import numpy as np
import pandas as pd


def sample(rows: int = 400, seed: int = 7) -> pd.DataFrame:
    """Return one row per customer: months with us, monthly bill, support calls, churned or not."""
    rng = np.random.default_rng(seed)
    months = rng.integers(1, 72, rows)
    bill = rng.normal(55, 18, rows).clip(10, 160).round(2)
    calls = rng.poisson(1.4, rows)
    # Short contracts, high bills and many calls make a customer leave.
    pull = 0.04 * (bill - 55) + 0.6 * calls - 0.05 * months
    churned = (rng.random(rows) < 1 / (1 + np.exp(-pull))).astype(int)
    return pd.DataFrame({"months": months, "bill": bill, "calls": calls, "churned": churned})
