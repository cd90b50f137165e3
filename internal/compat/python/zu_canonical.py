"""A digest of a value that does not depend on the process, the ZenML or the pickle it came through."""

import datetime
import decimal
import enum
import hashlib
import pathlib
import types
import uuid
from typing import Any, List, Optional, Tuple

DEEPEST = 60
# What libraries write of themselves into a state; it changes with the library, not with the value.
OF_THE_LIBRARY = {"_sklearn_version"}


class Opaque(Exception):
    """A part of the value has no canonical form; the text names its type."""


def digest(value: Any) -> Tuple[Optional[str], Optional[str]]:
    """Return (sha256 in hex, null), or (null, why there is none)."""
    try:
        form = canonical(value, [])
    except Opaque as why:
        return None, f"the value cannot be compared: {why}"
    return hashlib.sha256(repr(form).encode("utf-8", "surrogatepass")).hexdigest(), None


def name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def canonical(value: Any, above: List[int]) -> Any:
    """Return nested tuples of text, numbers and bytes that are equal exactly when the values are."""
    if value is None or isinstance(value, (bool, int, str, bytes)) and not isinstance(value, enum.Enum):
        return (type(value).__name__, value)
    if isinstance(value, (float, complex)):
        return (type(value).__name__, repr(value + 0))
    if id(value) in above:
        return ("above", above.index(id(value)))  # a cycle, told by how far up it closes
    if len(above) > DEEPEST:
        raise Opaque(f"nested more than {DEEPEST} deep")
    above = [*above, id(value)]
    for form in (container, plain, array, state):
        found = form(value, above)
        if found is not None:
            return found
    raise Opaque(name_of(type(value)))


def container(value: Any, above: List[int]) -> Any:
    kind = name_of(type(value))
    if isinstance(value, dict):
        pairs = [(canonical(k, above), canonical(v, above)) for k, v in value.items()]
        return (kind, tuple(sorted(pairs, key=repr)), extra(value, dict, above))
    if isinstance(value, (list, tuple)):
        return (kind, tuple(canonical(v, above) for v in value))
    if isinstance(value, (set, frozenset)):
        return (kind, tuple(sorted((canonical(v, above) for v in value), key=repr)))
    if isinstance(value, (bytearray, memoryview)):
        return (kind, bytes(value))
    return None


def extra(value: Any, base: type, above: List[int]) -> Any:
    """What a subclass of a built-in type holds beside its entries."""
    if type(value) is base or not getattr(value, "__dict__", None):
        return ()
    return canonical(vars(value), above)


def plain(value: Any, above: List[int]) -> Any:
    kind = name_of(type(value))
    if isinstance(value, enum.Enum):
        return (kind, value.name)
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, range, slice)):
        return (kind, repr(value))
    if isinstance(value, pathlib.PurePath):
        # ZenML unpacks a folder to a new place on each load: what counts is what lies in it.
        return (kind, folder(pathlib.Path(value)))
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        if "<" in value.__qualname__:
            raise Opaque(f"the function {value.__qualname__}, whose code has no canonical form")
        return (kind, value.__module__, value.__qualname__)
    return None


def folder(path: pathlib.Path) -> Any:
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path] if path.is_file() else []
    return tuple((str(p.relative_to(path)), hashlib.sha256(p.read_bytes()).hexdigest()) for p in files)


def array(value: Any, above: List[int]) -> Any:
    """numpy and pandas values, told by name so that neither has to be installed."""
    kind, module = name_of(type(value)), type(value).__module__.split(".")[0]
    if module == "numpy" and hasattr(value, "dtype") and hasattr(value, "tolist"):
        shape = getattr(value, "shape", ())
        if value.dtype.hasobject:
            return (kind, value.dtype.str, shape, canonical(value.tolist(), above))
        return (kind, value.dtype.str, shape, value.tobytes())
    if module == "numpy" and hasattr(value, "str") and hasattr(value, "itemsize"):
        return (kind, value.str)
    if module == "pandas" and hasattr(value, "to_dict") and hasattr(value, "index"):
        if hasattr(value, "columns"):
            columns = tuple(series(value.iloc[:, i], above) for i in range(len(value.columns)))
            return (kind, canonical(list(value.columns), above), canonical(list(value.index), above), columns)
        return (kind, canonical(list(value.index), above), series(value, above))
    if module == "pandas":
        return (kind, repr(value))
    return None


def series(value: Any, above: List[int]) -> Any:
    return (str(value.dtype), canonical(value.tolist(), above))


def state(value: Any, above: List[int]) -> Any:
    """Any other object, as pickle would take it apart; objects that pickle refuses are opaque."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception as error:
        raise Opaque(f"{name_of(type(value))}: {error}") from error
    if isinstance(reduced, str):
        return (name_of(type(value)), reduced)
    parts = list(reduced[:2]) + [kept(part) for part in reduced[2:3]] + [part and list(part) for part in reduced[3:5]]
    return (name_of(type(value)), tuple(canonical(part, above) for part in parts))


def kept(fields: Any) -> Any:
    """The state without what a library writes of itself."""
    if isinstance(fields, dict):
        return {k: v for k, v in fields.items() if k not in OF_THE_LIBRARY}
    return fields
