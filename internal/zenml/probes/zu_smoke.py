"""Runs a pipeline of two steps to its end, reads its result back, and cleans up after itself."""

import json
import sys

from zu_ready import wait
from zenml import pipeline, step
from zenml.client import Client


@step(enable_cache=False)
def zenml_upgrade_first() -> int:
    return 41


@step(enable_cache=False)
def zenml_upgrade_second(number: int) -> int:
    return number + 1


@pipeline(name="zenml_upgrade_smoke", enable_cache=False)
def smoke():
    zenml_upgrade_second(zenml_upgrade_first())


def output(step_run):
    """The step's one output: a list per name from 0.68 on, one artifact before."""
    found = step_run.outputs["output"]
    return found[0] if isinstance(found, list) else found


def forget(client):
    return lambda id: client.delete_artifact_version(id, delete_metadata=True, delete_from_artifact_store=False)


def clean(client, run):
    """Best effort: what stays is named zenml_upgrade_*, and growth is no loss."""
    versions = [output(step_run) for step_run in run.steps.values()]
    # The order matters: versions that a run uses cannot be deleted.
    tasks = [(client.delete_pipeline_run, run.id), (client.delete_pipeline, "zenml_upgrade_smoke")]
    # Their data lies in this probe's own folder, which goes as a whole.
    tasks += [(forget(client), version.id) for version in versions]
    tasks += [(client.delete_artifact, version.artifact.id) for version in versions]
    for delete, what in tasks:
        try:
            delete(what)
        except Exception as e:
            print("cleaning up:", type(e).__name__, file=sys.stderr)


def choose_project(client):
    """An account that sees several projects has none that is active: the default one, else the first."""
    if not hasattr(client, "list_projects"):
        return  # below 0.80
    found = sorted(client.list_projects(size=1000), key=lambda p: (p.name != "default", p.name))
    if len(found) > 1:
        client.set_active_project(found[0].id)


def main():
    wait()
    client = Client()
    choose_project(client)
    run = smoke()
    run = client.get_pipeline_run(run.id)
    value = output(run.steps["zenml_upgrade_second"]).load()
    with open(sys.argv[1], "w") as f:
        json.dump({"status": str(run.status), "value": value, "steps": len(run.steps)}, f)
    clean(client, run)


if __name__ == "__main__":
    main()
