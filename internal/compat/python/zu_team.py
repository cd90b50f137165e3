"""What a client can do on a server that is a team's: zu_team.py OUT MARK CALL...

CALL is one of zu_probe.py's that only read; "lists" for what a user's scripts read; or "run a pipeline", which
makes a local stack, runs a pipeline of two steps on it and reads the result back. The name of all that is made
begins with MARK, by which it is found and deleted afterwards; the data lies in a folder that goes.
Writes one JSON line per call to OUT: call, status, detail, seconds.
"""

import json
import sys
import time
from typing import List

from typing_extensions import Annotated
from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType

from zu_probe import CALLS, attempt
from zu_suite_run import client_lists

MARK = sys.argv[2]


@step(enable_cache=False)
def zenml_upgrade_first() -> Annotated[int, f"{MARK}_number"]:
    return 41


@step(enable_cache=False)
def zenml_upgrade_second(number: int) -> Annotated[int, f"{MARK}_sum"]:
    return number + 1


# ZenML keeps the rows of metadata when what they describe is deleted: none are made.
@pipeline(name=MARK, enable_cache=False, enable_artifact_metadata=False)
def own() -> None:
    zenml_upgrade_second(zenml_upgrade_first())


def stack() -> None:
    """Make a stack of local parts and work on it."""
    client = Client()
    kinds = (StackComponentType.ORCHESTRATOR, StackComponentType.ARTIFACT_STORE)
    parts = {
        kind: client.create_stack_component(name=MARK, flavor="local", component_type=kind, configuration={}).id for kind in kinds
    }
    client.activate_stack(client.create_stack(name=MARK, components=parts).id)


def run() -> None:
    stack()
    own.with_options(run_name=f"{MARK}_run")()
    client = Client()
    done = client.get_pipeline_run(f"{MARK}_run")
    if str(done.status) != "completed":
        raise RuntimeError(f"the server says the run is {done.status}")
    value = client.get_artifact_version(f"{MARK}_sum").load()
    if value != 42:
        raise RuntimeError(f"the run's result was read back as {value!r}, not 42")


def choose_project() -> None:
    """An account that sees several projects has none that is active: the default one, else the first."""
    client = Client()
    if not hasattr(client, "list_projects"):
        return  # below 0.80
    found = sorted(client.list_projects(size=1000), key=lambda one: (one.name != "default", one.name))
    if len(found) > 1:
        client.set_active_project(found[0].id)


CALLS.update({"run a pipeline": run, "lists": client_lists, "choose a project": choose_project})


def main(out: str, calls: List[str]) -> None:
    attempt("choose a project")  # where that fails the calls tell
    with open(out, "a", encoding="utf-8") as file:
        for call in calls:
            begin = time.monotonic()
            row = attempt(call)
            row["seconds"] = round(time.monotonic() - begin, 3)
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3:])
