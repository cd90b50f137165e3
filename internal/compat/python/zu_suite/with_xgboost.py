"""Keeps and reads a booster."""

from typing import Tuple

import numpy as np
import xgboost as xgb
from typing_extensions import Annotated
from zenml import pipeline, step

FEATURES = np.arange(40.0).reshape(40, 1)


@step
def grow() -> Tuple[Annotated[xgb.Booster, "suite_xgboost"], Annotated[float, "suite_xgboost_answer"]]:
    data = xgb.DMatrix(FEATURES, label=FEATURES[:, 0] > 20)
    booster = xgb.train({"objective": "binary:logistic", "nthread": 1}, data, num_boost_round=3)
    return booster, float(booster.predict(data)[30])


@step
def check_trees(booster: xgb.Booster, answer: float) -> None:
    if abs(float(booster.predict(xgb.DMatrix(FEATURES))[30]) - answer) > 1e-6:
        raise ValueError("the booster came back with other trees")


@pipeline(enable_cache=False)
def suite_xgboost() -> None:
    booster, answer = grow()
    check_trees(booster, answer)
