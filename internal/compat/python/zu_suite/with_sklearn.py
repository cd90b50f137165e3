"""Keeps and reads a fitted model."""

from sklearn.linear_model import LinearRegression
from typing_extensions import Annotated
from zenml import pipeline, step


@step
def model() -> Annotated[LinearRegression, "suite_model"]:
    return LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])


@step
def check_model(fitted: LinearRegression) -> None:
    if abs(fitted.predict([[3.0]])[0] - 7.0) > 1e-9:
        raise ValueError("the model came back with other weights")


@pipeline(enable_cache=False)
def suite_sklearn() -> None:
    check_model(model())
