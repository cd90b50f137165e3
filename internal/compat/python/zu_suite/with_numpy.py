"""Keeps and reads an array."""

import numpy as np
from typing_extensions import Annotated
from zenml import pipeline, step


@step
def array() -> Annotated[np.ndarray, "suite_array"]:
    return np.arange(12.0).reshape(3, 4)


@step
def check_array(values: np.ndarray) -> None:
    if values.shape != (3, 4) or values.sum() != 66.0:
        raise ValueError(f"the array came back as {values!r}")


@pipeline(enable_cache=False)
def suite_numpy() -> None:
    check_array(array())
