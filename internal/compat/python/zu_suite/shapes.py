"""Values that the suite's pipelines hand from step to step."""

import json
import os
from typing import Any, ClassVar, Dict, List, Tuple, Type

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer


class Ledger:
    """Kept by a materializer of our own."""

    def __init__(self, entries: Dict[str, float]) -> None:
        self.entries = entries

    def total(self) -> float:
        return round(sum(self.entries.values()), 2)


class LedgerMaterializer(BaseMaterializer):
    """Keeps a ledger as one JSON file."""

    ASSOCIATED_TYPES: ClassVar[Tuple[Type[Any], ...]] = (Ledger,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def load(self, data_type: Type[Any]) -> Ledger:
        with self.artifact_store.open(os.path.join(self.uri, "ledger.json"), "r") as file:
            return Ledger(json.load(file))

    def save(self, data: Ledger) -> None:
        with self.artifact_store.open(os.path.join(self.uri, "ledger.json"), "w") as file:
            json.dump(data.entries, file)


class Route:
    """Has no materializer: ZenML pickles it."""

    def __init__(self, stops: List[str]) -> None:
        self.stops = stops
