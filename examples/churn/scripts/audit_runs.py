"""Lists what can start a pipeline by itself, for the quarterly audit: python scripts/audit_runs.py"""

from zenml.client import Client


def main() -> None:
    """Print recent runs, the sources of events, and what those have started."""
    client = Client()
    for run in client.list_pipeline_runs(size=20):
        print(f"run {run.name}: {run.status}")
    for source in client.list_event_sources(size=100):
        print(f"event source {source.name}")
    for execution in client.list_trigger_executions(size=100):
        print(f"started by a trigger: {execution.id}")


if __name__ == "__main__":
    main()
