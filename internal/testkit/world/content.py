"""Fills a server with a run of two steps: a plain value and an object of a class defined here."""

import dataclasses
from typing import Dict, List

from zenml import pipeline, step


@dataclasses.dataclass
class Customer:
    name: str
    visits: List[int]


@step(enable_cache=False)
def world_figures() -> Dict[str, float]:
    return {"mean": 1.5, "max": 3.0}


@step(enable_cache=False)
def world_customer(figures: Dict[str, float]) -> Customer:
    return Customer("Ada", [1, 2, int(figures["max"])])


@pipeline(name="world_pipeline", enable_cache=False)
def world_pipeline():
    world_customer(world_figures())


if __name__ == "__main__":
    world_pipeline()
