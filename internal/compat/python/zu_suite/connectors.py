"""Service connectors: registered, read without and with their secrets, verified, changed, deleted."""

import inspect
import time
from typing import Any, Dict, Iterator, NamedTuple, Tuple

from zu_suite.asked import Refused, keep

KEPT = "zu_kept"  # made by the old version, read by the new one
NOWHERE = "127.0.0.1:1"  # where nobody listens
PORTION = "hunter2"


class Way(NamedTuple):
    """How a type of connector is registered without an account anywhere."""

    method: str
    shown: Dict[str, str]  # may be shown
    secret: Dict[str, str]
    verified: bool  # by ZenML, without reaching anything


WAYS = {
    "docker": Way("password", {"registry": NOWHERE}, {"username": "zu", "password": PORTION}, True),
    "kubernetes": Way("token", {"server": "https://" + NOWHERE, "cluster_name": "zu", "insecure": "true"}, {"token": PORTION}, False),
    "oauth2": Way("token", {"api_url": "https://" + NOWHERE}, {"access_token": PORTION}, True),
}


def types() -> Iterator[str]:
    """One check for each type of connector that the client or its server has."""
    from zenml.client import Client

    for name in sorted(kind.connector_type for kind in Client().list_service_connector_types()):
        yield f"connector:{name}"


def check(name: str) -> None:
    from zenml.client import Client

    if name not in WAYS:
        Client().get_service_connector_type(name)
        raise Refused("its type exists; to be tried it needs an account elsewhere")
    client, kept, fresh = Client(), f"{KEPT}_{name}", f"zu_{time.time_ns()}"
    keep(f"connector:{name}", lambda: bool(client.list_service_connectors(name=kept).total), lambda: make(client, name, kept))
    read(client, name, kept)
    make(client, name, fresh)
    try:
        read(client, name, fresh)
        client.update_service_connector(fresh, description="changed", verify=False)
        if client.get_service_connector(fresh).description != "changed":
            raise RuntimeError("a connector does not keep what it is changed to")
        verify(client, name, kept)
        verify(client, name, fresh)
    finally:
        client.delete_service_connector(fresh)
    if client.list_service_connectors(name=fresh).total:
        raise RuntimeError("a deleted connector is still listed")


def make(client: Any, kind: str, name: str) -> None:
    way = WAYS[kind]
    client.create_service_connector(
        name=name, connector_type=kind, auth_method=way.method, configuration={**way.shown, **way.secret}, verify=False
    )


def read(client: Any, kind: str, name: str) -> None:
    """What is shown holds no secret; who asks for the secrets gets those that were given."""
    way = WAYS[kind]
    shown = client.get_service_connector(name)
    told = dict(shown.configuration)
    # A server without the type's packages does not know which fields are secret, and shows all.
    if client.get_service_connector_type(kind).remote and PORTION in str(shown.model_dump()):
        raise RuntimeError("a connector shows its secrets to who did not ask for them")
    if {key: str(told.get(key)).lower() for key in way.shown} != {key: value.lower() for key, value in way.shown.items()}:
        raise RuntimeError(f"a connector came back with the fields {sorted(told)}, not as it was made")
    known = inspect.signature(client.get_service_connector).parameters
    asking = "expand_secrets" if "expand_secrets" in known else "load_secrets"  # its name in older versions
    if secrets(client.get_service_connector(name, **{asking: True})) != secrets_of(way):
        raise RuntimeError("a connector came back with other secrets than were given")


def secrets(connector: Any) -> Tuple[Tuple[str, str], ...]:
    values = {**dict(connector.configuration), **dict(getattr(connector, "secrets", None) or {})}
    plain = {key: value.get_secret_value() if hasattr(value, "get_secret_value") else str(value) for key, value in values.items()}
    return tuple(sorted((key, value) for key, value in plain.items() if key in {one for way in WAYS.values() for one in way.secret}))


def secrets_of(way: Way) -> Tuple[Tuple[str, str], ...]:
    return tuple(sorted(way.secret.items()))


def verify(client: Any, kind: str, name: str) -> None:
    """ZenML's own verification; a type that reaches out finds nobody here."""
    try:
        found = client.verify_service_connector(name)
    except Exception as error:
        if WAYS[kind].verified:
            raise
        raise Refused(f"it is kept and read; ZenML's verification reaches nobody here: {error}") from error
    if found.error:
        raise RuntimeError(f"ZenML's verification says: {found.error}")
