"""Runs the pipeline segmentation on the active stack: python run_segmentation.py"""

from pipelines.segmentation import segmentation

if __name__ == "__main__":
    segmentation()
