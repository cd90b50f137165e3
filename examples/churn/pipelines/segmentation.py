"""Which groups of customers leave? Three steps and a materializer of our own."""

from typing import Annotated

import pandas as pd
from zenml import pipeline, step

from pipelines.customers import sample
from pipelines.segments import Segment, Segmentation, SegmentationMaterializer


@step
def load_customers(rows: int) -> Annotated[pd.DataFrame, "customers"]:
    """Load the customers."""
    return sample(rows)


@step(output_materializers=SegmentationMaterializer)
def split(customers: pd.DataFrame, edges: list[int]) -> Annotated[Segmentation, "segmentation"]:
    """Split customers by how long they have been with us."""
    segments = []
    for low, high in zip(edges, edges[1:]):
        group = customers[(customers["months"] >= low) & (customers["months"] < high)]
        segments.append(
            Segment(
                name=f"{low}-{high} months",
                size=len(group),
                mean_bill=round(float(group["bill"].mean()), 2),
                churn_rate=round(float(group["churned"].mean()), 4),
            )
        )
    return Segmentation(tuple(segments))


@step
def name_riskiest(segmentation: Segmentation) -> Annotated[str, "riskiest_segment"]:
    """Name the segment to look after first."""
    return segmentation.riskiest().name


@pipeline(enable_cache=False)
def segmentation(rows: int = 400) -> None:
    """Load, split, name."""
    name_riskiest(split(load_customers(rows), edges=[0, 12, 36, 72]))
