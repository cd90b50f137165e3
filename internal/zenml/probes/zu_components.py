"""Makes every stack component as a pipeline's start would, and says of each what came of it.

Arguments: "custom" or "", whether flavors of the team's own may be imported; a file that gets a JSON
object, by component id.
"""

import functools
import json
import os
import re
import sys


def absent(e):
    """Says whether a library is missing here, which says nothing of ZenML."""
    return isinstance(e, ImportError) and not re.search(r"No module named '?zenml\b|from '?zenml\b", str(e))


def make(component):
    from zenml.stack import StackComponent

    try:
        StackComponent.from_model(component)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as e:  # a flavor may raise anything
        text = (str(e).strip().splitlines() or [""])[0]
        return {"status": "absent" if absent(e) else "failed", "cause": (type(e).__name__ + ": " + text)[:300]}
    return {"status": "loaded", "cause": ""}


def own(component):
    flavor = component.resources.flavor if component.resources else None
    return bool(flavor is not None and flavor.body is not None and flavor.body.is_custom)


def main():
    custom, out = sys.argv[1], sys.argv[2]
    sys.path.insert(1, os.getcwd())  # flavors of the team's own are imported from here
    from zenml.client import Client
    from zenml.utils import source_utils
    from zenml.utils.pagination_utils import depaginate

    source_utils.set_custom_source_root(os.getcwd())
    answers = {}
    for c in depaginate(functools.partial(Client().list_stack_components, hydrate=True)):  # 0.58 passes nothing on
        if own(c) and not custom:
            made = {"status": "skipped", "cause": "a flavor of the team's own, which is not run here"}
        else:
            made = make(c)
        answers[str(c.id)] = {"name": c.name, "type": str(getattr(c.type, "value", c.type)), **made}
    with open(out, "w") as f:
        json.dump(answers, f)


if __name__ == "__main__":
    main()
