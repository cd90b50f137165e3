"""Logs to a local MLflow through ZenML's experiment tracker, and uses its model registry."""

import os
import time

import mlflow
from typing_extensions import Annotated
from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType

NAME = "zu_mlflow"  # of the stack and of its parts
OWN = (StackComponentType.EXPERIMENT_TRACKER, StackComponentType.MODEL_REGISTRY)


def stack_id() -> str:
    """The stack with MLflow; made by the old version, found by the new one."""
    client = Client()
    parts = {kind: found[0].id for kind, found in client.get_stack("default").components.items() if str(kind) in ("orchestrator", "artifact_store")}
    for kind in OWN:
        try:
            part = client.get_stack_component(kind, NAME)
        except KeyError:
            part = client.create_stack_component(name=NAME, flavor="mlflow", component_type=kind, configuration={})
        parts[kind] = part.id
    try:
        return str(client.get_stack(NAME).id)
    except KeyError:
        return str(client.create_stack(name=NAME, components=parts).id)


@step(experiment_tracker=NAME)
def track() -> Annotated[float, "suite_loss"]:
    mlflow.log_metric("loss", 0.25)
    kept = mlflow.MlflowClient().get_metric_history(mlflow.active_run().info.run_id, "loss")
    if [metric.value for metric in kept] != [0.25]:
        raise ValueError(f"the tracker kept {kept!r}")
    return 0.25


@step
def register(loss: float) -> None:
    registry, mark = Client().active_stack.model_registry, f"zu-{time.time_ns()}"
    registry.register_model(name=mark)
    try:
        if mark not in [model.name for model in registry.list_models()]:
            raise ValueError("a registered model is not in the registry's list")
    finally:
        registry.delete_model(mark)


@pipeline(enable_cache=False, name="suite_mlflow")
def on_its_stack() -> None:
    register(track())


def suite_mlflow() -> None:
    """Run on the stack with MLflow, which is this process's alone."""
    os.environ["ZENML_ACTIVE_STACK_ID"] = stack_id()
    try:
        on_its_stack()
    finally:
        del os.environ["ZENML_ACTIVE_STACK_ID"]
