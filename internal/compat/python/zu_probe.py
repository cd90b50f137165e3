"""Questions to one ZenML version, answered as JSON lines in OUT.

zu_probe.py OUT artifacts [ID...]   load artifact versions (all, when none is named) and digest their values
zu_probe.py OUT calls               what a client of this version can still do on its server
"""

import json
import platform
import sys
import time
from typing import Any, Dict, Iterator, List, Optional

from zenml.client import Client

from zu_canonical import digest

MOST = 500  # artifact versions looked at


def text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def source(value: Any) -> Optional[str]:
    """The dotted path of a ZenML source, which is an object or text."""
    return getattr(value, "import_path", None) or (str(value) if value else None)


def artifacts(ids: List[str]) -> Iterator[Dict[str, Any]]:
    """Load each artifact version; oldest first, without asking the server for more than MOST."""
    client = Client()
    if ids:
        versions = ids
    else:
        page = client.list_artifact_versions(size=MOST, sort_by="asc:created")
        versions = [str(version.id) for version in page.items]
        if page.total > len(versions):
            yield {"left_out": page.total - len(versions)}
    for version_id in versions:
        yield artifact(client, version_id)


def artifact(client: Client, version_id: str) -> Dict[str, Any]:
    """Load one artifact version. digest is "" when it could not be compared; see zu_canonical."""
    row: Dict[str, Any] = {
        "id": version_id, "name": None, "version": None, "type": None, "materializer": None,
        "loaded": False, "digest": "", "detail": None, "python": platform.python_version(),
    }
    try:
        found = client.get_artifact_version(version_id)
        row.update(
            name=found.artifact.name, version=str(found.version), type=source(found.data_type),
            materializer=source(found.materializer),
        )
        value = found.load()
        row["loaded"] = True
        row["digest"] = digest(value)
        # A value that is not even equal to itself, read twice, says nothing about an upgrade.
        if not row["digest"]:
            row["detail"] = "the value cannot be compared: it has no canonical form"
        elif digest(found.load()) != row["digest"]:
            row["digest"], row["detail"] = "", "the value cannot be compared: two loads by one version differ"
    except BaseException as error:  # a user's class may raise anything while it is unpickled
        row["detail"] = text(error)
    return row


def calls() -> Iterator[Dict[str, Any]]:
    """Try the calls in which old clients are known to fail on newer servers (hydrated: all fields parsed)."""
    yield attempt("connect", lambda: Client().zen_store.get_store_info())
    client = Client()
    yield attempt("active_stack", lambda: client.active_stack_model.components)
    yield attempt("list_stacks(hydrate=True)", lambda: client.list_stacks(hydrate=True))
    yield attempt("list_pipeline_runs(hydrate=True)", lambda: client.list_pipeline_runs(size=50, hydrate=True))
    yield attempt("list_artifact_versions(hydrate=True)", lambda: client.list_artifact_versions(size=50, hydrate=True))
    yield attempt("list_flavors(size=500)", lambda: client.list_flavors(size=500))
    yield attempt("artifact_version.load()", lambda: client.list_artifact_versions(size=1, sort_by="asc:created").items[0].load())


def attempt(call: str, do: Any) -> Dict[str, Any]:
    begin = time.monotonic()
    try:
        do()
    except BaseException as error:
        return {"call": call, "status": "failed", "detail": text(error), "seconds": time.monotonic() - begin}
    return {"call": call, "status": "passed", "detail": None, "seconds": time.monotonic() - begin}


def main(out: str, question: str, rest: List[str]) -> None:
    answers = {"artifacts": lambda: artifacts(rest), "calls": calls}[question]
    with open(out, "a", encoding="utf-8") as file:
        for row in answers():
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
