"""Fit the constants of the speed model to published measurements, and say how well they predict unseen ones.

    python -m advisor.calibrate FOLDER [--check]

FOLDER holds the measurements. Many of their sources state no licence, so only a part of them lies in the repository,
in `published/`. Development only: it needs SciPy. It writes `catalog/data/speed.yaml`, and beside this file
`VALIDATION.md` and `published/`, the same bytes for the same data. With --check it writes nothing and says whether the
constants still belong to the data, the parameters and the formulas.
"""

import os

# The last digits of a matrix decomposition depend on how many threads share it; NumPy reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
