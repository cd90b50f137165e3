"""Stacks and their parts: each is registered, made, put into a stack and validated by ZenML itself."""

import os
import time
from contextlib import ExitStack, contextmanager
from typing import Any, Dict, Iterator, List

from zu_suite.asked import Absent, Refused, used

# What every ZenML has on this machine. A deployer is left out: versions before 0.90 know none.
LOCAL = ("artifact_store/local", "image_builder/local", "orchestrator/local")

# What a part wants beside it in a stack, of its own flavor.
BESIDE = {"model_registry": ["experiment_tracker"]}

optional: List[str] = []  # parts of integrations that the project's code does not name


def parts(packages: List[str], named: List[str]) -> Iterator[str]:
    """The checks of a project that asks for packages and names parts like orchestrator.kubernetes. A name
    that is no flavor of this ZenML may be anything: it is left out."""
    from zenml.client import Client

    known_here = {f"{flavor.type}/{flavor.name}" for flavor in Client().list_flavors(size=500).items} if named else set()
    wanted = [*LOCAL, *(part for part in (one.replace(".", "/", 1) for one in named) if part in known_here)]
    for _, known in used(packages):
        for flavor in known.flavors():
            part = f"{flavor().type}/{flavor().name}"
            if part not in wanted:
                wanted.append(part)
                optional.append(part)
    yield "stack:default"
    for part in dict.fromkeys(wanted):
        yield f"stack:{part}"


def check(name: str) -> None:
    if name == "default":
        whole()
        return
    try:
        one(*name.split("/", 1))
    except Absent as error:
        raise (Refused if name in optional else Absent)(str(error)) from error


def whole() -> None:
    """The stack that every server makes: all its parts, and ZenML's own validation."""
    from zenml.client import Client
    from zenml.stack import Stack, StackComponent

    model = Client().get_stack("default")
    for found in model.components.values():
        for component in found:
            StackComponent.from_model(component)
    stack = Stack.from_model(model)
    stack.validate(fail_if_secrets_missing=True)
    keeps(stack.artifact_store)


def keeps(store: Any) -> None:
    """Write, find, read and remove a file of an artifact store."""
    folder = os.path.join(store.path, f"zu-{time.time_ns()}")
    path = os.path.join(folder, "word")
    store.makedirs(folder)
    try:
        with store.open(path, "w") as file:
            file.write("kept")
        if not store.exists(path) or list(store.listdir(folder)) != ["word"]:
            raise RuntimeError("the artifact store does not find a file that was written")
        with store.open(path, "r") as file:
            if file.read() != "kept":
                raise RuntimeError("the artifact store reads another text than was written")
    finally:
        store.rmtree(folder)


def one(kind: str, name: str) -> None:
    """A part of a flavor, as far as this machine can have it."""
    from zenml.client import Client
    from zenml.enums import StackComponentType
    from zenml.stack import Flavor, StackComponent

    if kind not in StackComponentType.values():
        raise RuntimeError(f"this ZenML knows no {kind}")
    found = Client().get_flavor_by_name_and_type(name=name, component_type=StackComponentType(kind))
    flavor = Flavor.from_model(found)
    needed(flavor, found)
    with ExitStack() as parts_made:
        made = {one: parts_made.enter_context(registered(one, name)) for one in [kind, *BESIDE.get(kind, [])]}
        component = StackComponent.from_model(made[kind])
        if kind == "artifact_store":
            keeps(component)
        in_a_stack(made)


def needed(flavor: Any, found: Any) -> None:
    """Raise Absent for a flavor that this machine cannot have."""
    try:
        fields = flavor.config_class.model_fields or {}
        flavor.implementation_class  # noqa: B018 it is imported here
    except ModuleNotFoundError as error:
        if (error.name or "zenml").partition(".")[0] == "zenml":
            raise
        raise Absent(f"its packages are not among the requirements: {error}") from error
    open_fields = [key for key, field in fields.items() if field.is_required()]
    if open_fields:
        raise Absent(f"it exists and loads; to be tried it needs a configuration: {', '.join(sorted(open_fields))}")
    if flavor.config_class().is_remote:
        raise Absent("it exists and loads; it works elsewhere and is not reached from here")


@contextmanager
def registered(kind: str, flavor: str) -> Iterator[Any]:
    from zenml.client import Client
    from zenml.enums import StackComponentType

    client = Client()
    made = client.create_stack_component(
        name=f"zu-{time.time_ns()}", flavor=flavor, component_type=StackComponentType(kind), configuration={}
    )
    try:
        again = client.get_stack_component(StackComponentType(kind), made.name)
        if again.id != made.id:
            raise RuntimeError("a component is not found under its name")
        yield again
    finally:
        client.delete_stack_component(made.id, StackComponentType(kind))


def in_a_stack(made: Dict[str, Any]) -> None:
    """Let ZenML validate a stack that has components in the place of the default ones, or beside them."""
    from zenml.client import Client
    from zenml.enums import StackComponentType
    from zenml.exceptions import StackValidationError
    from zenml.stack import Stack

    client = Client()
    default = client.get_stack("default").components
    ids: Dict[Any, Any] = {
        part: default[part][0].id for part in (StackComponentType.ORCHESTRATOR, StackComponentType.ARTIFACT_STORE)
    }
    ids.update((StackComponentType(kind), component.id) for kind, component in made.items())
    stack = client.create_stack(name=f"zu-{time.time_ns()}", components=ids)
    try:
        Stack.from_model(client.get_stack(stack.id)).validate()
    except StackValidationError as error:
        raise Absent(f"it exists and loads; ZenML wants more of a stack with it: {error}") from error
    finally:
        client.delete_stack(stack.id)
