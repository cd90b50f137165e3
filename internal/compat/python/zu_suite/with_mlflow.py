"""Logs to a local MLflow through ZenML's experiment tracker, and uses its model registry."""

import os
import time
from typing import Any, Callable, List

import mlflow
from typing_extensions import Annotated
from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType

from zu_suite.asked import keep

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


def on_the_stack(run: Callable[[], Any]) -> None:
    """Run on the stack with MLflow, which is this process's alone."""
    os.environ["ZENML_ACTIVE_STACK_ID"] = stack_id()
    try:
        run()
    finally:
        del os.environ["ZENML_ACTIVE_STACK_ID"]


def suite_mlflow() -> None:
    on_the_stack(on_its_stack)


class Half(mlflow.pyfunc.PythonModel):
    """A model that needs no library."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return [number / 2 for number in model_input]


def expect(got: Any, want: Any, what: str) -> None:
    if got != want:
        raise ValueError(f"{what} came back as {got!r}, not {want!r}")


@step(experiment_tracker=NAME)
def log() -> Annotated[str, "suite_source"]:
    """Log what teams log, and read it as they do."""
    mlflow.log_param("depth", 3)
    for at, loss in enumerate((0.5, 0.25)):
        mlflow.log_metric("loss", loss, step=at)
    mlflow.set_tag("zu", "tracking")
    uri = mlflow.pyfunc.log_model("model", python_model=Half(), pip_requirements=[]).model_uri
    own = mlflow.active_run().info.run_id
    found = mlflow.search_runs(filter_string="tags.zu = 'tracking'", output_format="list")
    if own not in [run.info.run_id for run in found]:
        raise ValueError("the run is not among those that the tracker lists")
    known = mlflow.get_run(own).data
    expect((known.params.get("depth"), known.metrics.get("loss")), ("3", 0.25), "a run")
    return uri


@step(experiment_tracker=NAME)  # which leads the registry's models to the runs they came from
def versions(source: str) -> None:
    """Register a version of a model, read, change and load it."""
    registry, mark = Client().active_stack.model_registry, f"zu-{time.time_ns()}"
    registry.register_model(name=mark)
    try:
        made = registry.register_model_version(name=mark, model_source_uri=source, description="first")
        registry.update_model_version(mark, made.version, description="changed")
        expect([one.version for one in registry.list_model_versions(name=mark)], [made.version], "the list of versions")
        expect(registry.get_model_version(mark, made.version).description, "changed", "a description")
        expect(registry.load_model_version(mark, made.version).predict([4.0]), [2.0], "a model's answer")
    finally:
        registry.delete_model(mark)


@pipeline(enable_cache=False, name="suite_tracking")
def tracked() -> None:
    versions(log())


KEPT = "zu_kept"  # the run and the model that the old version leaves for the new one


def runs_kept() -> List[Any]:
    return mlflow.search_runs(filter_string=f"tags.zu = '{KEPT}'", output_format="list", search_all_experiments=True)


@step(experiment_tracker=NAME)
def find() -> None:
    registry = Client().active_stack.model_registry

    def make() -> None:
        mlflow.set_tag("zu", KEPT)
        mlflow.log_metric("loss", 0.25)
        uri = mlflow.pyfunc.log_model("model", python_model=Half(), pip_requirements=[]).model_uri
        registry.register_model(name=KEPT)
        registry.register_model_version(name=KEPT, model_source_uri=uri, description="kept")

    keep("tracking:mlflow_kept", lambda: bool(runs_kept()), make)
    expect(runs_kept()[0].data.metrics, {"loss": 0.25}, "a run")
    expect(registry.get_model_version(KEPT, "1").description, "kept", "a description")
    expect(registry.load_model_version(KEPT, "1").predict([4.0]), [2.0], "a model's answer")


@pipeline(enable_cache=False, name="suite_tracking_kept")
def found() -> None:
    find()


def suite_tracking() -> None:
    on_the_stack(tracked)


def suite_tracking_kept() -> None:
    on_the_stack(found)
