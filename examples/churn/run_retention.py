"""Runs the pipeline retention on the active stack: python run_retention.py"""

from pipelines.retention import retention

if __name__ == "__main__":
    retention()
