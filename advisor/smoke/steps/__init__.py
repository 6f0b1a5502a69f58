"""The steps of a smoke test: start, talk, load."""
