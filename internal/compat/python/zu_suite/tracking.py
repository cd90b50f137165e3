"""ZenML's own models: versions, their metadata and stages, read back by both ZenML versions."""

import time
from typing import Any

from zu_suite.asked import Refused, keep, present

KEPT = "zu_kept"  # made by the old version, read by the new one


def models() -> None:
    from zenml.client import Client

    client, fresh = Client(), f"zu_{time.time_ns()}"
    keep("tracking:models", lambda: bool(client.list_models(name=KEPT).total), lambda: make(client, KEPT))
    read(client, KEPT)
    make(client, fresh)
    read(client, fresh)
    client.delete_model(fresh)


def make(client: Any, name: str) -> None:
    """A model with two versions, of which the first has metadata and a stage."""
    from zenml import log_metadata

    client.create_model(name=name, tags=["zu"])
    try:
        for version in ("first", "second"):
            client.create_model_version(name, name=version)
        log_metadata({"loss": 0.25, "layers": [2, 3]}, model_name=name, model_version="first")
        client.update_model_version(name, "first", stage="staging", force=True)
    except BaseException:
        client.delete_model(name)  # or the next attempt would read half a model
        raise


def read(client: Any, name: str) -> None:
    staged = client.get_model_version(name, "staging")
    kept = {key: getattr(value, "value", value) for key, value in staged.run_metadata.items()}
    if staged.name != "first" or kept != {"loss": 0.25, "layers": [2, 3]}:
        raise RuntimeError(f"the version {staged.name!r} of a model came back with {kept!r}")
    latest = client.get_model_version(name)
    if latest.name != "second" or latest.number != 2:
        raise RuntimeError(f"the newest version of a model is {latest.name!r}, number {latest.number}")


def mlflow() -> None:
    """The calls of an experiment tracker and a model registry, on a local MLflow."""
    on_mlflow("suite_tracking")


def mlflow_kept() -> None:
    """Whether the new version's local MLflow finds what the old one's was given. Who has a server of MLflow
    is not concerned, so that the check is optional."""
    on_mlflow("suite_tracking_kept")


def on_mlflow(flow: str) -> None:
    if not present("mlflow"):
        raise Refused("mlflow is not among the requirements")
    from zu_suite import with_mlflow

    getattr(with_mlflow, flow)()
