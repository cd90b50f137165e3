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


def kind(of):
    return str(getattr(of.type, "value", of.type))


def own_flavors(every):
    """The team's own flavors, by type and name. A component does not tell it: below 0.80 that is among the
    details, which a flavor inside a component lacks."""
    return {(kind(f), f.name) for f in every if f.is_custom}


def flavor_of(component):
    name = getattr(component, "flavor_name", None)
    if isinstance(name, str):
        return name
    return component.flavor if isinstance(component.flavor, str) else component.flavor.name


def main():
    custom, out = sys.argv[1], sys.argv[2]
    sys.path.insert(1, os.getcwd())  # flavors of the team's own are imported from here
    from zenml.client import Client
    from zenml.models import FlavorFilter
    from zenml.utils import source_utils
    from zenml.utils.pagination_utils import depaginate

    source_utils.set_custom_source_root(os.getcwd())
    client, answers = Client(), {}
    # The store, for up to 0.85 the client lists flavors without their details. And 0.58 passes nothing on.
    own = own_flavors(depaginate(lambda **at: client.zen_store.list_flavors(FlavorFilter(size=500, **at), hydrate=True)))
    for c in depaginate(functools.partial(client.list_stack_components, hydrate=True)):
        if (kind(c), flavor_of(c)) in own and not custom:
            made = {"status": "skipped", "cause": "a flavor of the team's own, which is not run here"}
        else:
            made = make(c)
        answers[str(c.id)] = {"name": c.name, "type": kind(c), **made}
    with open(out, "w") as f:
        json.dump(answers, f)


if __name__ == "__main__":
    main()
