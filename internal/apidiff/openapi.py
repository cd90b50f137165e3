"""Prints the OpenAPI document of an installed ZenML server, in parts: an object of documents by the
first word of their paths, each with the schemas that it needs and without prose. Parts keep the
comparison small.
"""

import json
import re
import sys

PROSE = {"description", "summary", "operationId", "tags", "examples", "example", "security"}
REF = re.compile(r'#/components/schemas/([^"]+)')


def strip(node, names=False):
    """Without prose; keys that are names of properties are kept, whatever they are."""
    if isinstance(node, dict):
        return {k: strip(v, k in ("properties", "schemas", "paths")) for k, v in node.items() if names or k not in PROSE}
    if isinstance(node, list):
        return [strip(v) for v in node]
    return node


def main():
    out, sys.stdout = sys.stdout, sys.stderr  # what imports print is not the answer
    from zenml.zen_server.zen_server_api import app

    document = app.openapi()
    schemas = {k: strip(v) for k, v in document.get("components", {}).get("schemas", {}).items()}
    needs = {k: set(REF.findall(json.dumps(v))) for k, v in schemas.items()}
    groups = {}
    for path, item in document["paths"].items():
        word = re.match(r"/api/v1/([^/]+)", path)
        groups.setdefault(word.group(1) if word else "", {})[path] = strip(item)
    parts = {}
    for word, paths in groups.items():
        need, todo = set(), REF.findall(json.dumps(paths))
        while todo:
            n = todo.pop()
            if n not in need:
                need.add(n)
                todo += needs[n]
        parts[word] = {
            "openapi": document["openapi"], "info": {"title": "ZenML", "version": "1"}, "paths": paths,
            "components": {"schemas": {n: schemas[n] for n in sorted(need)}},
        }
    json.dump(parts, out, sort_keys=True)


main()
