"""A digest of a value that is the same in two processes, two versions of Python and two versions
of the libraries, when the value is the same.

It begins with "value:" when equal values always give equal digests, so a difference is a change;
with "state:" when some part was taken as its class pickles it: then equal digests mean an equal
value, but different ones may come from another version of the library. It is "" when a value has
no such form at all.
"""

import dataclasses
import datetime
import decimal
import enum
import hashlib
import os
import pathlib
import struct
import sys
import tempfile
import types
import uuid

TEXTUAL = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, range, complex)
# Written into a pickled state to warn of version changes; not part of the value.
VERSION_KEYS = {"_sklearn_version", "__version__"}
MOST_FILES = 10_000


class NoForm(Exception):
    pass


class Encoder:
    def __init__(self):
        self.exact = True
        self.path = []  # ids of the containers around, to name a cycle

    def digest(self, value):
        """The SHA-256 of a value's encoding, as bytes; composed values hash their parts' digests."""
        if id(value) in self.path:
            return self.hash("cycle", str(len(self.path) - self.path.index(id(value))).encode())
        self.path.append(id(value))
        try:
            return self.encode(value)
        finally:
            self.path.pop()

    @staticmethod
    def hash(tag, *parts):
        h = hashlib.sha256(tag.encode())
        for p in parts:
            h.update(struct.pack(">Q", len(p)))
            h.update(p)
        return h.digest()

    def many(self, tag, values):
        return self.hash(tag, *[self.digest(v) for v in values])

    def mapping(self, tag, items):
        return self.hash(tag, *sorted(self.digest(k) + self.digest(v) for k, v in items))

    def encode(self, v):
        kind = type(v)
        if v is None or v is Ellipsis or v is NotImplemented or kind is bool:
            return self.hash("constant", repr(v).encode())
        if kind is int or kind is float:
            return self.hash(kind.__name__, repr(v).encode())
        if kind is str:
            return self.hash("str", v.encode("utf-8", "surrogatepass"))
        if kind in (bytes, bytearray):
            return self.hash(kind.__name__, bytes(v))
        if kind in (list, tuple):
            return self.many(kind.__name__, v)
        if kind is dict:
            return self.mapping("dict", v.items())
        if kind in (set, frozenset):
            return self.hash(kind.__name__, *sorted(self.digest(x) for x in v))
        if isinstance(v, enum.Enum):
            return self.hash("enum", name(kind), v.name.encode())
        if isinstance(v, TEXTUAL) and kind.__module__ in ("datetime", "decimal", "uuid", "builtins"):
            return self.hash(kind.__name__, str(v).encode())
        if isinstance(v, pathlib.PurePath):
            return self.path_of(str(v))
        if isinstance(v, (type, types.FunctionType, types.BuiltinFunctionType)):
            if "<" in v.__qualname__:
                raise NoForm("a local function or class")
            return self.hash("reference", name(v))
        library = kind.__module__.partition(".")[0]
        if library == "numpy":
            return self.numpy(v)
        if library == "pandas":
            return self.pandas(v)
        return self.object(v)

    def path_of(self, text):
        """ZenML unpacks a stored folder or file to a new place on each load: there, what lies in it is
        the value. Any other path is its own text."""
        temporary = os.path.realpath(tempfile.gettempdir()) + os.sep
        if not (os.path.isabs(text) and os.path.realpath(text).startswith(temporary) and os.path.exists(text)):
            return self.hash("path", os.fsencode(text))
        root = pathlib.Path(text)
        files = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
        if len(files) > MOST_FILES:
            raise NoForm("a folder of more than %d files" % MOST_FILES)
        return self.hash("unpacked", *[os.fsencode(str(p.relative_to(root))) + b"\0" + content(p) for p in files])

    def numpy(self, v):
        import numpy as np

        if isinstance(v, np.dtype):
            return self.hash("dtype", str(v).encode())
        if isinstance(v, np.generic):
            v = np.asarray(v)
            return self.hash("scalar", self.array(v))
        if type(v) is np.ndarray:
            return self.array(v)
        return self.object(v)

    def array(self, v):
        import numpy as np

        shape = repr(tuple(int(n) for n in v.shape)).encode()
        if v.dtype.hasobject:
            return self.hash("array", b"O", shape, self.many("list", v.ravel().tolist()))
        form = repr(v.dtype.descr).encode()
        return self.hash("array", form, shape, np.ascontiguousarray(v).tobytes())

    def pandas(self, v):
        import pandas as pd

        if v is pd.NaT or v is pd.NA:
            return self.hash("missing", repr(v).encode())
        if isinstance(v, pd.DataFrame) and type(v) is pd.DataFrame:
            columns = [self.column(v.iloc[:, i]) for i in range(v.shape[1])]
            return self.hash("frame", self.digest(v.columns), self.digest(v.index), *columns)
        if type(v) is pd.Series:
            return self.hash("series", self.digest(v.name), self.digest(v.index), self.column(v))
        if isinstance(v, pd.RangeIndex):
            return self.hash("index", self.digest(list(v.names)), self.column(v.to_series()))
        if isinstance(v, pd.Index):
            return self.hash("index", self.digest(list(v.names)), self.column(v))
        if isinstance(v, (pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval)):
            return self.hash(type(v).__name__, str(v).encode())
        return self.object(v)

    def column(self, v):
        """Text columns are of dtype object or str, by version of pandas: their dtype is no value."""
        dtype = str(v.dtype)
        text = dtype in ("object", "str") or dtype.startswith("string")
        values = [None if text and missing(x) else x for x in v.tolist()]
        return self.hash("column", b"text" if text else dtype.encode(), self.many("list", values))

    def object(self, v):
        """Any other object, as its class takes it apart for pickling, which is complete."""
        kind = type(v)
        if isinstance(v, types.ModuleType) or callable(getattr(v, "read", None)):
            raise NoForm("a module or an open file")
        own_state = getattr(kind, "__getstate__", None) is not getattr(object, "__getstate__", None)
        plain = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
        try:
            taken = v.__reduce_ex__(2)
        except Exception as e:
            raise NoForm(type(e).__name__)
        if isinstance(taken, str):
            return self.hash("reference", name(kind), taken.encode())
        if not plain or installed(kind) or (own_state and not dataclasses.is_dataclass(kind)):
            self.exact = False
        make, args, state, listed, mapped = (list(taken) + [None] * 5)[:5]
        if isinstance(state, dict):
            state = {k: x for k, x in state.items() if k not in VERSION_KEYS}
        parts = [self.digest(make), self.digest(args), self.digest(state)]
        if listed is not None:
            parts.append(self.many("list", list(listed)))
        if mapped is not None:
            parts.append(self.mapping("dict", list(mapped)))
        return self.hash("object", name(kind), *parts)


def installed(kind):
    """Whether a class comes with an installed library: its attributes differ between releases."""
    return "-packages" in (getattr(sys.modules.get(kind.__module__), "__file__", None) or "")


def content(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.digest()


def missing(x):
    return x is None or type(x).__name__ == "NAType" or (isinstance(x, float) and x != x)


def name(kind):
    return (kind.__module__ or "").encode() + b"." + kind.__qualname__.encode()


def digest(value):
    encoder = Encoder()
    try:
        found = encoder.digest(value).hex()
    except Exception:  # an object may raise anything when it is taken apart; then it has no form
        return ""
    return ("value:" if encoder.exact else "state:") + found
