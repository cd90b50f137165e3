"""The suite's pipelines. A step that finds a wrong value raises, so that its run fails."""

from typing import Any, Dict, List, Tuple

from pydantic import BaseModel
from typing_extensions import Annotated
from zenml import log_metadata, pipeline, step

from zu_suite.shapes import Ledger, LedgerMaterializer, Route


class Profile(BaseModel):
    """Kept by ZenML's materializer for pydantic models."""

    name: str
    limits: Dict[str, int]


def expect(got: Any, want: Any) -> None:
    """Raise when a value did not survive its way through the artifact store."""
    if got != want:
        raise ValueError(f"a step got {got!r} where {want!r} was written")


@step
def one() -> Annotated[int, "suite_number"]:
    return 41


@step
def plus_one(number: int) -> Annotated[int, "suite_sum"]:
    return number + 1


@pipeline(enable_cache=False)
def suite_basic() -> None:
    plus_one(one())


@step
def draw(count: int) -> Tuple[Annotated[List[int], "suite_numbers"], Annotated[str, "suite_label"]]:
    log_metadata({"count": count})
    return list(range(count)), f"{count} numbers"


@step
def double(numbers: List[int], factor: int = 2) -> Annotated[List[int], "suite_doubled"]:
    return [factor * number for number in numbers]


@step
def join(left: List[int], right: List[int], label: str) -> Annotated[Dict[str, Any], "suite_joined"]:
    expect([left, right, label], [[0, 2, 4, 6], [0, 3, 6, 9], "4 numbers"])
    return {"left": left, "right": right, "label": label}


@step
def last_word(joined: Dict[str, Any]) -> None:
    expect(joined["label"], "4 numbers")


@pipeline(enable_cache=False)
def suite_complex() -> None:
    numbers, label = draw(count=4)
    left = double(numbers, id="left")
    right = double(numbers, factor=3, id="right")
    joined = join(left, right, label)
    last_word(joined, after=[left, right])


@step(output_materializers=LedgerMaterializer)
def book() -> Annotated[Ledger, "suite_ledger"]:
    return Ledger({"rent": 10.25, "food": 4.5})


@step
def route() -> Annotated[Route, "suite_route"]:
    return Route(["north", "east"])


@step
def profile() -> Annotated[Profile, "suite_profile"]:
    return Profile(name="suite", limits={"runs": 3})


@step
def raw() -> Annotated[bytes, "suite_bytes"]:
    return bytes(range(256))


@step
def read_back(ledger: Ledger, stops: Route, who: Profile, data: bytes) -> None:
    expect(ledger.total(), 14.75)
    expect(stops.stops, ["north", "east"])
    expect(who.limits, {"runs": 3})
    expect(data, bytes(range(256)))


@pipeline(enable_cache=False)
def suite_artifact() -> None:
    read_back(book(), route(), profile(), raw())
