package machine

import "fmt"

// Pipelines returns n Python files of a repository that uses ZenML, by path: some 90 lines each, in
// packages of twenty. Every hundredth lists event sources, which newer versions no longer can.
func Pipelines(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		call := "client.list_pipeline_runs(size=20)"
		if i%100 == 50 {
			call = "client.list_event_sources(size=20)"
		}
		folder := fmt.Sprintf("team%d/project%d", i%7, i/20)
		out[fmt.Sprintf("%s/module%d.py", folder, i)] = fmt.Sprintf(pipelineFile, i, call, i, i, i, i)
		out[folder+"/__init__.py"] = ""
	}
	return out
}

const pipelineFile = `"""Module %d: loads, trains, reports."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Optional

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from zenml import get_step_context, log_metadata, pipeline, step
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.materializers.base_materializer import BaseMaterializer

logger = logging.getLogger(__name__)
docker = DockerSettings(requirements=["scikit-learn"], required_integrations=["sklearn"])
ROOT = Path(os.environ.get("DATA_ROOT", "/data"))


@dataclass
class Report:
    """What is told."""

    rows: int = 0
    names: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        return f"{self.rows} rows of {', '.join(self.names)}"


class ReportMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (Report,)

    def load(self, data_type: type[Any]) -> Report:
        with self.artifact_store.open(os.path.join(self.uri, "report.json"), "r") as f:
            return Report(**json.load(f))

    def save(self, data: Report) -> None:
        with self.artifact_store.open(os.path.join(self.uri, "report.json"), "w") as f:
            json.dump({"rows": data.rows, "names": data.names, "extra": data.extra}, f)


def recent(limit: Optional[int] = None) -> list[str]:
    client = Client()
    found = []
    for item in %s:
        if limit is not None and len(found) >= limit:
            break
        found.append(item.name)
    return sorted(found)


@step(enable_cache=False)
def load_%d(rows: int = 100) -> Annotated[pd.DataFrame, "frame"]:
    rng = np.random.default_rng(rows)
    frame = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows)})
    frame["c"] = (frame["a"] + frame["b"] > 0).astype(int)
    log_metadata({"rows": rows, "step": get_step_context().step_run.name})
    return frame


@step
def train_%d(frame: pd.DataFrame) -> Annotated[LogisticRegression, "model"]:
    model = LogisticRegression(max_iter=200)
    model.fit(frame[["a", "b"]].to_numpy(), frame["c"].to_numpy())
    logger.info("trained on %%d rows", len(frame))
    return model


@step(output_materializers=ReportMaterializer)
def report_%d(frame: pd.DataFrame, model: LogisticRegression) -> Annotated[Report, "report"]:
    names = [name for name in frame.columns if name != "c"]
    return Report(rows=len(frame), names=names, extra={"score": float(model.score(frame[names], frame["c"]))})


@pipeline(settings={"docker": docker})
def pipeline_%d(rows: int = 100) -> None:
    frame = load_%[3]d(rows)
    report_%[3]d(frame, train_%[3]d(frame))


if __name__ == "__main__":
    print(recent(5))
    pipeline_%[3]d()
`
