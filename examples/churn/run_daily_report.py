"""Runs the pipeline daily_report on the active stack: python run_daily_report.py"""

from pipelines.daily_report import daily_report

if __name__ == "__main__":
    daily_report()
