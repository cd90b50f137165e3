"""Keeps and reads a table."""

import polars as pl
from typing_extensions import Annotated
from zenml import pipeline, step


@step
def columns() -> Annotated[pl.DataFrame, "suite_columns"]:
    return pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


@step
def check_columns(values: pl.DataFrame) -> None:
    if values.to_dict(as_series=False) != {"a": [1, 2, 3], "b": ["x", "y", None]}:
        raise ValueError(f"the table came back as {values!r}")


@pipeline(enable_cache=False)
def suite_polars() -> None:
    check_columns(columns())
