"""Machines for a load, and what they cost."""
