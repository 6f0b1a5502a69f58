"""Searches that ask for many verdicts: which model, and what would turn a no into a yes."""
