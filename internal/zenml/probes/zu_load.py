"""Loads artifacts by id and says of each what came out: a type, and a digest of the value.

Arguments: a file with a JSON list of ids, a file that gets one JSON line per artifact, at once
after it was tried, so that a crash while one loads costs that one alone.
"""

import json
import os
import re
import sys

from zu_canonical import digest
from zu_ready import wait

# A server's words on a failure may hold SQL with its values.
DATABASE = re.compile(r"sqlalche|sqlite3\.|pymysql|\[SQL|\b(SELECT|INSERT|UPDATE|DELETE) ", re.I)


def cause(e):
    text = str(e).strip()
    if DATABASE.search(text):
        return type(e).__name__ + ": the server failed; its words hold SQL and are left out"
    return (type(e).__name__ + ": " + (text.splitlines() or [""])[0])[:300]


def load(client, artifact_id):
    try:
        value = client.get_artifact_version(artifact_id).load()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as e:  # a materializer may raise anything, SystemExit too
        return {"status": "failed", "type": "", "digest": "", "cause": cause(e)}
    kind = type(value)
    return {"status": "loaded", "type": kind.__module__ + "." + kind.__qualname__, "digest": digest(value), "cause": ""}


def main():
    ids, out = sys.argv[1], sys.argv[2]
    root = os.getcwd()
    sys.path.insert(1, root)  # classes of the user's pipelines are imported from here
    from zenml.client import Client
    from zenml.utils import source_utils

    source_utils.set_custom_source_root(root)
    wait()
    client = Client()
    with open(ids) as f:
        wanted = json.load(f)
    with open(out, "a") as f:
        for artifact_id in wanted:
            f.write(json.dumps({"begin": artifact_id}) + "\n")
            f.flush()
            f.write(json.dumps({"id": artifact_id, **load(client, artifact_id)}) + "\n")
            f.flush()


if __name__ == "__main__":
    main()
