"""Loads seen in logs and metrics."""
