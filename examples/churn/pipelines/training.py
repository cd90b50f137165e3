"""Trains the churn model with scikit-learn."""

from typing import Annotated

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from zenml import pipeline, step

from pipelines.customers import sample


@step
def split_customers(
    rows: int,
) -> tuple[
    Annotated[pd.DataFrame, "train_set"],
    Annotated[pd.DataFrame, "test_set"],
]:
    """Keep a quarter of the customers for the test."""
    train, test = train_test_split(sample(rows), test_size=0.25, random_state=7)
    return train, test


@step
def train(customers: pd.DataFrame) -> Annotated[LogisticRegression, "churn_model"]:
    """Fit the model."""
    model = LogisticRegression(max_iter=500)
    model.fit(customers[["months", "bill", "calls"]].to_numpy(), customers["churned"].to_numpy())
    return model


@step
def evaluate(
    model: LogisticRegression, customers: pd.DataFrame
) -> tuple[
    Annotated[np.ndarray, "predictions"],
    Annotated[float, "accuracy"],
]:
    """Predict for customers the model has not seen."""
    predictions = np.asarray(model.predict(customers[["months", "bill", "calls"]].to_numpy()))
    return predictions, float((predictions == customers["churned"].to_numpy()).mean())


@pipeline(enable_cache=False)
def training(rows: int = 400) -> None:
    """Split, train, evaluate."""
    train_set, test_set = split_customers(rows)
    evaluate(train(train_set), test_set)
