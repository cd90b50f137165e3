"""Runs a pipeline of two steps to its end, reads its result back, and cleans up after itself."""

import json
import sys

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


def clean(client, run):
    """Best effort: what stays is named zenml_upgrade_*, and growth is no loss."""
    versions, names = [], set()
    for step_run in run.steps.values():
        versions.append(output(step_run))
        names.add(versions[-1].artifact.id)
    for version in versions:
        client.delete_artifact_version(version.id, delete_metadata=True, delete_from_artifact_store=True)
    client.delete_pipeline_run(run.id)
    client.delete_pipeline("zenml_upgrade_smoke")
    for artifact in names:
        client.delete_artifact(artifact)


def main():
    smoke()
    client = Client()
    run = client.list_pipeline_runs(pipeline_id=client.get_pipeline("zenml_upgrade_smoke").id, sort_by="desc:created", size=1).items[0]
    run = client.get_pipeline_run(run.id)
    value = output(run.steps["zenml_upgrade_second"]).load()
    with open(sys.argv[1], "w") as f:
        json.dump({"status": str(run.status), "value": value, "steps": len(run.steps)}, f)
    try:
        clean(client, run)
    except Exception as e:
        print("cleaning up:", type(e).__name__, file=sys.stderr)


if __name__ == "__main__":
    main()
