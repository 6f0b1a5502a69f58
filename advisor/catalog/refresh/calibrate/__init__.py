"""Fit the constants of the speed model to published measurements, and say how well they predict unseen ones.

    python -m advisor.catalog.refresh.calibrate [--data ../shared/data] [--fit-only]

Development only: it needs SciPy. It writes `catalog/data/speed.yaml` and `VALIDATION.md` beside this file, the same
bytes for the same data.
"""
