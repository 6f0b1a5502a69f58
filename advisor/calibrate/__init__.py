"""Fit the constants of the speed model to published measurements, and say how well they predict unseen ones.

    python -m advisor.calibrate [--data ../shared/data]

Development only: it needs SciPy. It writes `catalog/data/speed.yaml` and `VALIDATION.md` beside this file, the same
bytes for the same data.
"""

import os

# The last digits of a matrix decomposition depend on how many threads share it; NumPy reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
