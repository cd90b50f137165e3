"""Artifacts of the suite's pipelines, as the oldest run wrote them: the old version's, once it is upgraded."""

from typing import Any, Callable, Dict

from zu_suite.shapes import Ledger, Route

VALUES: Dict[str, Callable[[Any], bool]] = {
    "suite_ledger": lambda value: isinstance(value, Ledger) and value.total() == 14.75,
    "suite_route": lambda value: isinstance(value, Route) and value.stops == ["north", "east"],
    "suite_profile": lambda value: value.limits == {"runs": 3},
    "suite_bytes": lambda value: value == bytes(range(256)),
}


def oldest(name: str) -> Any:
    from zenml.client import Client

    found = Client().list_artifact_versions(name=name, size=1, sort_by="asc:created")
    if not found.items:
        raise RuntimeError(f"the server has no artifact {name}")
    return found.items[0]


def compare(load: Callable[[Any, str], Any]) -> None:
    for name, expected in VALUES.items():
        value = load(oldest(name), name)
        if not expected(value):
            raise RuntimeError(f"the artifact {name} came back as {type(value).__name__} with another value")


def by_name() -> None:
    """By name and version, and by name alone, which means the newest."""
    from zenml.client import Client

    client = Client()
    compare(lambda found, name: client.get_artifact_version(name, version=str(found.version)).load())
    compare(lambda _, name: client.get_artifact_version(name).load())


def by_id() -> None:
    from zenml.client import Client

    compare(lambda found, _: Client().get_artifact_version(found.id).load())
