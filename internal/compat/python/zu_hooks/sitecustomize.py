"""Notes what a run is warned of that will go, with the line of the user's code that caused it.

Python imports this at its start because its folder stands on PYTHONPATH. Whatever filters a
library sets, warnings.warn and the loggers' warnings pass here first.
"""

import importlib.machinery
import importlib.util
import json
import logging
import os
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("ZU_ROOT", "")
OUT = os.environ.get("ZU_DEPRECATIONS", "")
MOST = 200  # notes of one process
seen = set()


def place():
    """The innermost line of the user's code on the stack, None when there is none."""
    frame = sys._getframe(2)
    while frame is not None:
        path = os.path.abspath(frame.f_code.co_filename)
        if path.startswith(ROOT + os.sep) and "-packages" + os.sep not in path:
            return os.path.relpath(path, ROOT), frame.f_lineno
        frame = frame.f_back
    return None, None


def note(kind, message, where):
    key = (kind, message, where)
    if key in seen or len(seen) >= MOST:
        return
    seen.add(key)
    row = {"kind": kind, "message": message[:400], "file": where[0], "line": where[1]}
    try:
        with open(OUT, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError:
        pass  # the run goes on without notes


GOING = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
warn = warnings.warn


def noting_warn(message, category=None, stacklevel=1, source=None, **more):
    kind = type(message) if isinstance(message, Warning) else category or UserWarning
    if isinstance(kind, type) and issubclass(kind, GOING):
        note(kind.__name__, str(message), place())
    return warn(message, category, stacklevel + 1, source, **more)


log = logging.Logger._log


def noting_log(self, level, message, args, *rest, **more):
    if level >= logging.WARNING and "deprecat" in str(message).lower():
        try:
            text = str(message) % args if args else str(message)
        except (TypeError, ValueError, KeyError):
            text = str(message)
        note("log", text, place())
    more["stacklevel"] = more.get("stacklevel", 1) + 1
    return log(self, level, message, args, *rest, **more)


def follow():
    """Run the sitecustomize that this one stands before, if there is one."""
    paths = [path for path in sys.path if os.path.abspath(path) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if ROOT and OUT:
    warnings.warn, logging.Logger._log = noting_warn, noting_log
follow()
