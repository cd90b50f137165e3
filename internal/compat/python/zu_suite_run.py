"""Runs the built-in checks of one ZenML version: zu_suite_run.py OUT [--kept=CHECK,...] CHECK...

Writes one JSON line per check to OUT: check, status (passed, failed, skipped), seconds, detail, optional
(no failing and no gap of what the project uses). Some checks stand for several: "integration=PACKAGE,..." for one
per ZenML integration that needs one of the packages and finds all that it needs installed here,
"stack=PACKAGE,.../TYPE.FLAVOR,..." for the parts of a project's stacks, "connector=" for all types of
service connectors. "known-integrations" writes the names of all integrations instead. --kept names the
checks that passed on the old version: what they left there must be found here.
"""

import importlib
import json
import logging
import sys
import time
from typing import Any, Callable, Dict, Iterator, List

from zu_suite import asked, connectors, loading, snapshots, stacks, tracking
from zu_suite.asked import Absent, Ear, Refused, present, used


def run_flow(name: str, module: str = "flows") -> None:
    """Run one of the suite's pipelines and ask the server how it ended."""
    from zenml.client import Client

    getattr(importlib.import_module(f"zu_suite.{module}"), name)()
    runs = Client().list_pipeline_runs(pipeline_name=name, size=1, sort_by="desc:created")
    if not runs.items:
        raise RuntimeError(f"the server has no run of {name}")
    if str(runs.items[0].status) != "completed":
        raise RuntimeError(f"the server says the run of {name} is {runs.items[0].status}")


def integration(name: str) -> None:
    """Activate a ZenML integration and run a pipeline that keeps its types."""
    from zenml.integrations.registry import integration_registry

    known = integration_registry.integrations.get(name)
    if known is None:
        raise RuntimeError(f"this ZenML has no integration {name}")
    if not known.check_installation():
        if not any(present(requirement) for requirement in known.get_requirements()):
            raise Absent(f"its packages are not among the requirements: it wants {known.get_requirements()}")
        raise RuntimeError(f"ZenML does not accept the installed packages: it wants {known.get_requirements()}")
    known.activate()
    known.flavors()
    if name in FLOWS:
        run_flow(f"suite_{name}", f"with_{name}")


# Integrations whose types the suite can keep and read; of others only the activation is tried.
FLOWS = ("lightgbm", "mlflow", "numpy", "pandas", "pillow", "polars", "scipy", "sklearn", "xgboost")


def client_lists() -> None:
    """Read what a user's scripts read, hydrated, so that every field is parsed."""
    from zenml.client import Client

    client = Client()
    for call in (
        client.list_stacks, client.list_stack_components, client.list_pipelines, client.list_pipeline_runs,
        client.list_run_steps, client.list_artifacts, client.list_artifact_versions, client.list_models,
        client.list_secrets, client.list_service_connectors, client.list_users,
    ):
        try:
            call(size=50, hydrate=True)
        except Exception as error:
            raise RuntimeError(f"{call.__name__}: {error}") from error
    client.list_flavors(size=500)


def client_writes() -> None:
    """Make, read and delete a secret, a tag and a model."""
    from zenml.client import Client

    client = Client()
    mark = f"zu-suite-{time.time_ns()}"
    secret = client.create_secret(name=mark, values={"word": "kept"})
    try:
        if client.get_secret(mark).secret_values.get("word") != "kept":
            raise RuntimeError("a secret came back with another value")
    finally:
        client.delete_secret(str(secret.id))
    client.create_tag(name=mark)
    client.delete_tag(mark)
    client.create_model(name=mark)
    client.delete_model(mark)


CHECKS: Dict[str, Callable[[], None]] = {
    "basic": lambda: run_flow("suite_basic"),
    "complex": lambda: run_flow("suite_complex"),
    "artifact": lambda: run_flow("suite_artifact"),
    "artifact:by_name": loading.by_name,
    "artifact:by_id": loading.by_id,
    "client:lists": client_lists,
    "client:writes": client_writes,
    "snapshot:created": snapshots.created,
    "snapshot:executed": snapshots.executed,
    "snapshot:read": snapshots.read,
    "tracking:models": tracking.models,
    "tracking:mlflow": tracking.mlflow,
    "tracking:mlflow_kept": tracking.mlflow_kept,
}

# Not every project is concerned by what these find.
OPTIONAL = ("tracking:mlflow_kept",)

# Groups whose checks are named by what is found.
NAMED: Dict[str, Callable[[str], None]] = {
    "integration": integration, "stack": stacks.check, "connector": connectors.check,
    "snapshot_recreated": snapshots.recreated, "snapshot_executed": snapshots.executed_of,
}


def expand(checks: List[str]) -> Iterator[str]:
    """Put single checks in the place of those that stand for several."""
    for check in checks:
        group, stands, rest = check.partition("=")
        if not stands:
            yield check
        elif group == "integration":
            for name, _ in used(rest.split(",")):
                yield f"integration:{name}"
        elif group == "stack":
            packages, _, named = rest.partition("/")
            yield from stacks.parts(packages.split(","), [one for one in named.split(",") if one])
        else:
            yield from connectors.types()


def run(check: str) -> Dict[str, Any]:
    """Run one check; whatever it raises is its result."""
    begin = time.monotonic()
    group, _, name = check.partition(":")
    result: Dict[str, Any] = {"check": check, "status": "passed", "detail": None, "optional": check in OPTIONAL}
    ear = Ear()
    logging.getLogger().addHandler(ear)
    try:
        if group in NAMED:
            NAMED[group](name)
        else:
            CHECKS[check]()
    except Absent as error:
        result.update(status="skipped", detail=str(error)[:2000], optional=isinstance(error, Refused))
    except BaseException as error:  # SystemExit from a library must not end the other checks
        why = f": {ear.heard}" if ear.heard and ear.heard not in str(error) else ""
        result.update(status="failed", detail=f"{type(error).__name__}: {error}{why}"[:2000])
    finally:
        logging.getLogger().removeHandler(ear)
    result["seconds"] = round(time.monotonic() - begin, 3)
    return result


def main(out: str, checks: List[str]) -> None:
    """Run the checks in order; each line is written at once, so that a crash loses only its own."""
    if checks and checks[0].startswith("--kept="):
        asked.kept.update(checks.pop(0).split("=", 1)[1].split(","))
    with open(out, "a", encoding="utf-8") as file:
        if checks == ["known-integrations"]:
            from zenml.integrations.registry import integration_registry

            file.write(json.dumps({"known": sorted(integration_registry.integrations)}) + "\n")
            return
        for check in expand(checks):
            file.write(json.dumps(run(check)) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
