"""Answers of unequal length: how a run ends, and what its requests see.

Answers of a data set vary about as the exponential distribution does (a standard deviation of one mean). Of W requests
that run together, the k-th from the end is then alone with k - 1 others for `output / k` tokens, so that

    drain = output x sum over k = 1 ... W of decode_s(k) / k

where equal answers end together after `output x decode_s(W)`. The sum is taken as an integral over the time, at which
`W exp(-time / output)` are left. The longest answer bounds it: 2.5, 3.5 and 4.5 means fitted the measurements worse
than 6, and no bound no better.
"""

from __future__ import annotations

import math

from advisor.physics.speed.inside import Work
from advisor.physics.speed.step import StepModel

# Gauss-Legendre, five points on [0, 1].
NODES = (0.04691007703066802, 0.23076534494715845, 0.5, 0.7692346550528415, 0.9530899229693319)
WEIGHTS = (0.11846344252809454, 0.23931433524968324, 0.28444444444444444, 0.23931433524968324, 0.11846344252809454)
EULER = 0.5772156649015329
LONGEST = 6.0  # times the mean
MEAN_BATCH = math.log(2.0)  # of the batch at its start: what the mean request sees, each weighing alike


def drain_s(step: StepModel, batch: float, work: Work) -> float:
    """Seconds until the last of `batch` requests has written its answer."""
    last = min(math.log(batch) + EULER + (1.0 - EULER) / batch, LONGEST)
    own_s = step.own_s(work.context)
    mean = sum(
        weight * step.decode_with(max(batch * math.exp(-last * node), 1.0), own_s)
        for node, weight in zip(NODES, WEIGHTS, strict=True)
    )
    return work.output * last * mean
