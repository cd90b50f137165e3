"""What a client of this version can do on its server, as JSON lines in OUT: zu_probe.py OUT [CALL...]

Without CALL all are tried, with "-CALL" all but that one. Plain lists are not among them: they succeed for every version and
prove nothing.
"""

import json
import sys
import time
from typing import Any, Callable, Dict, List

from zenml.client import Client
from zenml.enums import StackComponentType


def first_artifact() -> Any:
    """The oldest artifact version, which another version may have written."""
    return Client().list_artifact_versions(size=1, sort_by="asc:created").items[0]


def register() -> None:
    """Register a component and a stack of it, and delete both."""
    client, mark = Client(), f"zu-{time.time_ns()}"
    kept = client.get_stack("default").components
    part = client.create_stack_component(
        name=mark, flavor="local", component_type=StackComponentType.ORCHESTRATOR, configuration={}
    )
    try:
        stack = client.create_stack(
            name=mark,
            components={
                StackComponentType.ORCHESTRATOR: part.id,
                StackComponentType.ARTIFACT_STORE: kept[StackComponentType.ARTIFACT_STORE][0].id,
            },
        )
        client.delete_stack(stack.id)
    finally:
        client.delete_stack_component(part.id, StackComponentType.ORCHESTRATOR)


def secret() -> None:
    client, mark = Client(), f"zu-{time.time_ns()}"
    made = client.create_secret(name=mark, values={"word": "kept"})
    try:
        if client.get_secret(mark).secret_values != {"word": "kept"}:
            raise RuntimeError("a secret came back with another value")
    finally:
        client.delete_secret(str(made.id))


def model() -> None:
    client, mark = Client(), f"zu-{time.time_ns()}"
    client.create_model(name=mark)
    client.delete_model(mark)


def run() -> None:
    """Run a pipeline of the suite, which lies beside this file where this is asked for."""
    from zu_suite_run import run_flow

    run_flow("suite_basic")


CALLS: Dict[str, Callable[[], Any]] = {
    "connect": lambda: Client().zen_store.get_store_info(),
    "active_stack": lambda: Client().active_stack_model.components,
    "list_stacks(hydrate=True)": lambda: Client().list_stacks(hydrate=True),
    "list_stack_components(hydrate=True)": lambda: Client().list_stack_components(size=100, hydrate=True),
    "list_pipeline_runs(hydrate=True)": lambda: Client().list_pipeline_runs(size=50, hydrate=True),
    "list_run_steps(hydrate=True)": lambda: Client().list_run_steps(size=50, hydrate=True),
    "list_artifact_versions(hydrate=True)": lambda: Client().list_artifact_versions(size=50, hydrate=True),
    "list_flavors()": lambda: Client().list_flavors(),
    "list_flavors(size=500)": lambda: Client().list_flavors(size=500),
    "artifact_version.load()": lambda: first_artifact().load(),
    "register a stack": register,
    "create and read a secret": secret,
    "create a model": model,
    "run a pipeline": run,
}


def attempt(call: str) -> Dict[str, Any]:
    """Try one call; each makes its own client, so that one which cannot connect fails in all."""
    try:
        CALLS[call]()
    except BaseException as error:
        return {"call": call, "status": "failed", "detail": f"{type(error).__name__}: {error}"[:2000]}
    return {"call": call, "status": "passed", "detail": None}


def main(out: str, calls: List[str]) -> None:
    with open(out, "a", encoding="utf-8") as file:
        left_out = [c[1:] for c in calls if c.startswith("-")]
        for call in [c for c in calls if not c.startswith("-")] or [c for c in CALLS if c not in left_out]:
            file.write(json.dumps(attempt(call)) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
