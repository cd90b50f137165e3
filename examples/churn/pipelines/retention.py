"""How many customers of a month are still there later?

RetentionCurve has no materializer, so ZenML pickles it: it can be read back only while this
module can be imported, and only as far as the pickle library and Python agree.
"""

from typing import Annotated

from zenml import pipeline, step

from pipelines.customers import sample


class RetentionCurve:
    """Share of customers left after each number of months."""

    def __init__(self, shares: dict[int, float]) -> None:
        """Keep the shares, by months."""
        self.shares = shares

    def half_life(self) -> int:
        """Return the first month in which fewer than half are left; the last month if none."""
        for months, share in sorted(self.shares.items()):
            if share < 0.5:
                return months
        return max(self.shares)


@step
def measure(rows: int) -> Annotated[RetentionCurve, "retention_curve"]:
    """Measure the curve."""
    customers = sample(rows)
    shares = {
        months: round(float((customers["months"] >= months).mean()), 4)
        for months in range(0, 72, 6)
    }
    return RetentionCurve(shares)


@step
def read_half_life(curve: RetentionCurve) -> Annotated[int, "half_life"]:
    """Read the half-life from the curve."""
    return curve.half_life()


@pipeline(enable_cache=False)
def retention(rows: int = 400) -> None:
    """Measure and read."""
    read_half_life(measure(rows))
