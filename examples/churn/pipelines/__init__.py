"""The churn team's ZenML pipelines."""
