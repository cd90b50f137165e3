"""Segments of customers, and how ZenML keeps them."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer


@dataclass(frozen=True)
class Segment:
    """A group of customers with a common profile."""

    name: str
    size: int
    mean_bill: float
    churn_rate: float


@dataclass(frozen=True)
class Segmentation:
    """All segments of one day."""

    segments: tuple[Segment, ...]

    def riskiest(self) -> Segment:
        """Return the segment that loses most of its customers."""
        return max(self.segments, key=lambda segment: segment.churn_rate)


class SegmentationMaterializer(BaseMaterializer):
    """Keeps a segmentation as one JSON file that other teams can read without our code."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Segmentation,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    @property
    def path(self) -> str:
        """Where the file lies in the artifact store."""
        return os.path.join(self.uri, "segments.json")

    def load(self, data_type: type[Any]) -> Segmentation:
        """Read the segmentation back."""
        with self.artifact_store.open(self.path, "r") as file:
            return Segmentation(tuple(Segment(**entry) for entry in json.load(file)))

    def save(self, data: Segmentation) -> None:
        """Write the segmentation."""
        with self.artifact_store.open(self.path, "w") as file:
            json.dump([asdict(segment) for segment in data.segments], file, indent=1)
