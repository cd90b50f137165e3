"""What a client of this version can still do on its server, as JSON lines in OUT: zu_probe.py OUT"""

import json
import sys
import time
from typing import Any, Dict, Iterator

from zenml.client import Client


def text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


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


def main(out: str) -> None:
    with open(out, "a", encoding="utf-8") as file:
        for row in calls():
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1])
