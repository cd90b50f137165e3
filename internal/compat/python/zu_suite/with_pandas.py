"""Keeps and reads a table."""

import pandas as pd
from typing_extensions import Annotated
from zenml import pipeline, step


@step
def table() -> Annotated[pd.DataFrame, "suite_table"]:
    return pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


@step
def check_table(values: pd.DataFrame) -> None:
    if list(values["a"]) != [1, 2, 3] or list(values["b"])[:2] != ["x", "y"]:
        raise ValueError(f"the table came back as {values!r}")


@pipeline(enable_cache=False)
def suite_pandas() -> None:
    check_table(table())
