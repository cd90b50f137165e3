"""Snapshots of pipelines, which were called run templates before 0.90."""

import time
from typing import Any

from zu_suite.asked import Refused, keep

KEPT = "zu_kept"  # made by the old version, found by the new one
PATIENCE = 300  # seconds for a run that the server starts

# How ZenML says that a local stack or an open-source server cannot do it.
REFUSALS = ("unable to create run template", "not supported for this server", "can not be run because", "cannot be run because")


def refused(error: Exception) -> Exception:
    text = str(error)
    return Refused(f"ZenML says: {text}") if any(sign in text.lower() for sign in REFUSALS) else error


def make(name: str) -> Any:
    """A snapshot of the suite's basic pipeline; where there are none yet, a run template."""
    from zu_suite.flows import suite_basic

    as_snapshot = getattr(suite_basic, "create_snapshot", None)
    try:
        return as_snapshot(name=name) if as_snapshot else suite_basic.create_run_template(name=name)
    except Exception as error:
        raise refused(error) from error


def created() -> None:
    from zenml.client import Client

    client, fresh = Client(), f"zu_{time.time_ns()}"
    made = make(fresh)
    if not hasattr(client, "get_snapshot"):
        client.get_run_template(made.id)
        client.delete_run_template(made.id)
        return
    keep("snapshot:created", lambda: bool(client.list_snapshots(name=KEPT).total), lambda: make(KEPT))
    for name in (KEPT, fresh):
        found = client.get_snapshot(name, pipeline_name_or_id="suite_basic")
        if set(found.step_configurations) != {"one", "plus_one"}:
            raise RuntimeError(f"a snapshot came back with the steps {sorted(found.step_configurations)}")
    client.delete_snapshot(made.id)
    if client.list_snapshots(name=fresh).total:
        raise RuntimeError("a deleted snapshot is still listed")


def executed() -> None:
    """Let the server run a snapshot. Open-source servers refuse in their own words."""
    from zenml.client import Client

    client = Client()
    made = make(f"zu_{time.time_ns()}")
    is_snapshot = hasattr(client, "get_snapshot")
    try:
        run = client.trigger_pipeline(**{"snapshot_name_or_id" if is_snapshot else "template_id": made.id})
        limit = time.monotonic() + PATIENCE
        while not (run := client.get_pipeline_run(run.id)).status.is_finished:
            if time.monotonic() > limit:
                raise RuntimeError(f"the run that the server started is {run.status} after {PATIENCE} s")
            time.sleep(2)
        if str(run.status) != "completed":
            raise RuntimeError(f"the run that the server started is {run.status}")
    except RuntimeError as error:
        raise refused(error) from error
    finally:
        (client.delete_snapshot if is_snapshot else client.delete_run_template)(made.id)
