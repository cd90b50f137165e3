"""Pipelines that every ZenML from 0.75 to 0.98 must be able to run."""
