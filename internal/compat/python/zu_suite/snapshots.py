"""Snapshots of pipelines, which were called run templates before 0.90."""

import time
from typing import Any, Callable, Iterator, Set, Tuple

from zu_suite.asked import Absent, Refused, keep

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
    execute(make(f"zu_{time.time_ns()}"))


def execute(made: Any) -> None:
    """Let the server run what was made, which is deleted then."""
    from zenml.client import Client

    client = Client()
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


def make_of(pipeline: str, name: str) -> Tuple[Any, Set[str]]:
    """A snapshot (a run template) of a pipeline's last run, and that run's steps."""
    from zenml.client import Client

    client = Client()
    last = client.list_pipeline_runs(pipeline_name=pipeline, size=1, sort_by="desc:created").items[0]
    run = client.get_pipeline_run(last.id)
    if not hasattr(client, "get_snapshot"):
        steps = set(client.get_deployment(str(run.deployment_id)).step_configurations)
        try:
            return client.create_run_template(name=name, deployment_id=run.deployment_id), steps
        except Exception as error:
            raise refused(error) from error
    from zenml.models import PipelineSnapshotRequest
    from zenml.models.v2.core.pipeline_snapshot import PipelineSnapshotBase

    source = client.zen_store.get_snapshot(run.snapshot.id)
    copied = {field: getattr(source, field) for field in PipelineSnapshotBase.model_fields}
    request = PipelineSnapshotRequest(
        **copied, name=name, project=source.project_id, pipeline=source.pipeline.id, stack=source.stack.id,
        build=source.build.id if source.build else None, source_snapshot=source.id,
    )
    return client.zen_store.create_snapshot(request), set(source.step_configurations)


def recreated(pipeline: str) -> None:
    """Make, list, read, delete and make again a snapshot of a pipeline's last run. Nothing else is touched."""
    from zenml.client import Client

    client, name = Client(), f"zu_{time.time_ns()}"
    is_snapshot = hasattr(client, "get_snapshot")
    listed = client.list_snapshots if is_snapshot else client.list_run_templates
    delete = client.delete_snapshot if is_snapshot else client.delete_run_template
    for _ in range(2):
        made, steps = make_of(pipeline, name)
        try:
            if [one.id for one in listed(name=name).items] != [made.id]:
                raise RuntimeError("what was made is not listed")
            if is_snapshot and set(client.zen_store.get_snapshot(made.id).step_configurations) != steps:
                raise RuntimeError("it came back with other steps than the run")
            if not is_snapshot:
                client.get_run_template(made.id)
        finally:
            delete(made.id)
        if listed(name=name).total:
            raise RuntimeError("what was deleted is still listed")


def executed_of(pipeline: str) -> None:
    """Let the server run a snapshot of a pipeline's last run."""
    made, _ = make_of(pipeline, f"zu_{time.time_ns()}")
    execute(made)


def read() -> None:
    """Read every named snapshot and run template whole."""
    from zenml.client import Client

    client, found = Client(), 0
    for call in (getattr(client, "list_snapshots", None), getattr(client, "list_run_templates", None)):
        if call is not None:
            found += sum(1 for _ in whole(call))
    if not found:
        raise Absent("the server holds none")


def whole(call: Callable[..., Any]) -> Iterator[Any]:
    """All that a list holds, hydrated, page by page."""
    page, pages = 1, 1
    while page <= pages:
        answer = call(page=page, size=50, hydrate=True)
        pages, page = answer.total_pages, page + 1
        yield from answer.items
