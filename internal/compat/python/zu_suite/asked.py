"""What a check can ask for, and how it says that it is not to be had."""

import logging
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Callable, Iterator, List, Set, Tuple


class Absent(Exception):
    """What a check needs is not here; nothing is known of it."""


class Refused(Absent):
    """What a check needs cannot be had in a throw-away world; no gap of the project's own."""


kept: Set[str] = set()  # the checks that passed on the old version, when this is the new one


def keep(check: str, found: Callable[[], bool], make: Callable[[], Any]) -> None:
    """Make what a check leaves for the new version; there it must be found."""
    if found():
        return
    if check in kept:
        raise RuntimeError("what the old version made is not found by the new one")
    make()


class Ear(logging.Handler):
    """Keeps the last error that ZenML logs: what a failed step raised is told nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard = ""

    def emit(self, record: logging.LogRecord) -> None:
        raised = record.exc_info[1] if record.exc_info else None
        text = str(raised or record.getMessage()).strip()
        if text and not text.startswith("Traceback"):
            self.heard = text.splitlines()[0]


def normalized(requirement: str) -> str:
    """The package of a requirement, as the index compares names."""
    name = re.match(r"[A-Za-z0-9._-]*", requirement.strip())
    return re.sub(r"[-_.]+", "-", name.group(0) if name else "").lower()


def present(requirement: str) -> bool:
    """Whether a requirement's package is installed, in whatever version."""
    try:
        return bool(version(normalized(requirement)))
    except PackageNotFoundError:
        return False


def used(packages: List[str]) -> Iterator[Tuple[str, Any]]:
    """The integrations that need one of the packages and find all that they need installed. Packages that
    came along with others do not count: that an upgrade no longer brings them breaks nothing asked for."""
    from zenml.integrations.registry import integration_registry

    for name, known in sorted(integration_registry.integrations.items()):
        needs = {normalized(requirement) for requirement in known.get_requirements()}
        if needs & set(packages) and known.check_installation():
            yield name, known
