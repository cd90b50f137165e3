"""Keeps and reads a booster."""

from typing import Tuple

import lightgbm as lgb
import numpy as np
from typing_extensions import Annotated
from zenml import pipeline, step

FEATURES = np.arange(40.0).reshape(40, 1)


@step
def boost() -> Tuple[Annotated[lgb.Booster, "suite_lightgbm"], Annotated[float, "suite_lightgbm_answer"]]:
    data = lgb.Dataset(FEATURES, label=FEATURES[:, 0] > 20)
    booster = lgb.train({"objective": "binary", "num_threads": 1, "verbose": -1}, data, num_boost_round=3)
    return booster, float(booster.predict(FEATURES)[30])


@step
def check_booster(booster: lgb.Booster, answer: float) -> None:
    if abs(float(booster.predict(FEATURES)[30]) - answer) > 1e-9:
        raise ValueError("the booster came back with other trees")


@pipeline(enable_cache=False)
def suite_lightgbm() -> None:
    booster, answer = boost()
    check_booster(booster, answer)
