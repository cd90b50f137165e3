"""Fills a server with a run of three steps: a plain value, an object of a class defined here, a text."""

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


@step(enable_cache=False)
def world_report(figures: Dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in figures.items())


@pipeline(name="world_pipeline", enable_cache=False)
def world_pipeline():
    figures = world_figures()
    world_customer(figures)
    world_report(figures)


if __name__ == "__main__":
    world_pipeline()
