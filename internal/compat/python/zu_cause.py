"""Why an artifact version does not load, and how a model behaves."""

import importlib.util
import os
import platform
import sys
from typing import Any, Iterator, List, Optional

LONGEST = 600
# What an interpreter says of a pickle or of compiled code that another version wrote.
FOREIGN = ("unsupported pickle protocol", "bad marshal data", "unknown opcode", "code() ", "code expected", "invalid load key", "pickle data was truncated")


def text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST]


def chain(error: Optional[BaseException]) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def classify(found: Any, error: BaseException) -> str:
    """The class of a failure (see Go's failure classes). found is None when the server did not give the artifact."""
    errors = list(chain(error))
    words = " ".join(str(one) for one in errors)
    if any(isinstance(one, MemoryError) for one in errors):
        return "out_of_memory"
    if found is None:
        return "not_readable"
    if "is outside of" in words and "artifact store bounds" in words:
        return "store_out_of_bounds"
    if "recorded content hash" in words:
        return "hash_mismatch"
    return unloadable(found.materializer, "materializer_missing") or unloadable(found.data_type, "class_moved") or raised(found, errors, words)


def unloadable(source: Any, otherwise: str) -> Optional[str]:
    """Why the class that a source names cannot be imported, None when it can."""
    from zenml.utils import source_utils

    try:
        source_utils.load(source)
    except ImportError as error:
        missing = error.name or ""
        module = getattr(source, "module", str(source))
        if (module + ".").startswith(missing + ".") and (is_user(source) or installed(missing) or missing.startswith("zenml.")):
            return otherwise
        return absent(missing)
    except AttributeError:
        return otherwise
    except Exception:  # the module itself is broken: what loading raised tells more
        return None
    return None


def is_user(source: Any) -> bool:
    return str(getattr(getattr(source, "type", None), "value", "")) in ("user", "code_repository", "notebook")


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def absent(module: str) -> str:
    """A module that is missing: moved within a package that is here or within the repository, else a dependency."""
    if not module or installed(module) or in_repository(module.partition(".")[0]):
        return "class_moved"
    return "missing_dependency"


def in_repository(name: str) -> bool:
    root = os.environ.get("ZU_REPOSITORY", "")
    for _, folders, files in os.walk(root):
        if name in folders or name + ".py" in files:
            return True
    return False


def raised(found: Any, errors: List[BaseException], words: str) -> str:
    """The class of what loading itself raised, its classes being importable."""
    for one in errors:
        if isinstance(one, ModuleNotFoundError):
            return absent(one.name or "")
    if any(sign in words for sign in FOREIGN) or any(type(one).__name__ == "UnpicklingError" for one in errors):
        return "pickle_protocol"
    for one in errors:
        if isinstance(one, ImportError) or isinstance(one, AttributeError) and "Can't get attribute" in str(one):
            return "class_moved"
    if empty(found.uri):
        return "data_missing"
    module = getattr(found.materializer, "module", str(found.materializer))
    pickles = "cloudpickle" in module
    if not pickles and module in {frame for one in errors for frame in modules(one)}:
        return "materializer_changed"
    if pickles and other_python(found.uri):
        return "pickle_protocol"
    return "other"


def modules(error: BaseException) -> Iterator[str]:
    """The modules through which an error came."""
    trace = error.__traceback__
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__"))
        trace = trace.tb_next


def empty(uri: str) -> bool:
    """Whether a local folder of an artifact holds nothing; of a remote one that is not known."""
    return os.path.isabs(uri) and not (os.path.isdir(uri) and os.listdir(uri))


def other_python(uri: str) -> bool:
    try:
        with open(os.path.join(uri, "python_version.txt"), encoding="utf-8") as file:
            wrote = file.read(20).strip()
    except (OSError, ValueError):
        return False
    return wrote.split(".")[:2] != platform.python_version().split(".")[:2]


def behaviour(value: Any) -> Optional[List[float]]:
    """What a fitted scikit-learn model answers to fixed questions, None when it is none or cannot be
    asked. Two versions of the library keep a model in different forms; the answers are what counts."""
    if "sklearn" not in sys.modules or not hasattr(value, "n_features_in_"):
        return None
    import numpy as np

    try:
        questions = np.random.RandomState(7).uniform(-3, 3, (16, int(value.n_features_in_)))
        names = getattr(value, "feature_names_in_", None)
        if names is not None:
            import pandas as pd

            questions = pd.DataFrame(questions, columns=list(names))
        for ask in ("decision_function", "predict_proba", "predict", "transform"):
            if hasattr(value, ask):
                answers = getattr(value, ask)(questions)
                answers = answers.toarray() if hasattr(answers, "toarray") else answers
                answers = np.asarray(answers, dtype=float).ravel()[:256]
                return [float(x) for x in answers] if np.isfinite(answers).all() else None
    except Exception:  # text features, a model that wants more than numbers
        return None
    return None
