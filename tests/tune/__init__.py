"""Tuning on an engine."""
