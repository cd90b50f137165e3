"""The report that goes out every morning: how many customers left, and what that costs."""

from typing import Annotated, Any

from zenml import pipeline, step

from pipelines.customers import sample


@step
def count_customers(rows: int) -> Annotated[dict[str, Any], "customer_counts"]:
    """Count customers and those who left."""
    customers = sample(rows)
    gone = customers[customers["churned"] == 1]
    return {
        "customers": len(customers),
        "churned": len(gone),
        "monthly_loss": round(float(gone["bill"].sum()), 2),
    }


@step
def write_report(counts: dict[str, Any]) -> Annotated[str, "daily_report"]:
    """Word the report."""
    share = 100 * counts["churned"] / counts["customers"]
    return (
        f"{counts['churned']} of {counts['customers']} customers left ({share:.1f} %), "
        f"{counts['monthly_loss']:.2f} a month."
    )


@pipeline(enable_cache=False)
def daily_report(rows: int = 400) -> None:
    """Count and report."""
    write_report(count_customers(rows))
