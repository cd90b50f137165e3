"""Asks an installed ZenML what its integrations require. Prints a JSON object by name.

requirements is null where the package itself could not say. Runs ZenML's own code only.
"""

import json
import sys


def flavors(cls):
    try:
        return sorted(f().name for f in cls.flavors())
    except Exception:  # an integration that needs its library to name them
        return []


def requirements(cls):
    try:
        return sorted(str(r) for r in cls.get_requirements())
    except Exception:
        return None


def main():
    out, sys.stdout = sys.stdout, sys.stderr  # what imports print is not the answer
    from zenml.integrations.registry import integration_registry

    found = {
        name: {"requirements": requirements(cls), "flavors": flavors(cls)}
        for name, cls in integration_registry.integrations.items()
    }
    json.dump(found, out, sort_keys=True)


main()
