"""Runs the pipeline training on the active stack: python run_training.py"""

from pipelines.training import training

if __name__ == "__main__":
    training()
