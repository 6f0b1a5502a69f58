"""Answers of unequal length: how a run ends, and what its requests see.

Who says nothing has answers of one length: the distribution is named, never guessed from a mean.

Answers of a data set vary about as the exponential distribution does (a standard deviation of one mean). Of W requests
that run together, the k-th from the end is then alone with k - 1 others for `output / k` tokens, so that

    drain = output x sum over k = 1 ... W of decode_s(k) / k

where equal answers end together after `output x decode_s(W)`. The sum is taken as an integral over the time, at which
`W exp(-time / output)` are left. The longest answer bounds it: where only the distribution is named 6 means, as 2.5,
3.5 and 4.5 fitted measurements on ShareGPT worse and no bound no better; where the limit of an answer is known, that.
"""

from __future__ import annotations

import math

from advisor.physics.speed.inside import EQUAL, Work
from advisor.physics.speed.step import StepModel

# Gauss-Legendre, five points on [0, 1].
NODES = (0.04691007703066802, 0.23076534494715845, 0.5, 0.7692346550528415, 0.9530899229693319)
WEIGHTS = (0.11846344252809454, 0.23931433524968324, 0.28444444444444444, 0.23931433524968324, 0.11846344252809454)
EULER = 0.5772156649015329
LONGEST = 6.0  # answer of a data set, in means
LENGTHS = {"fixed": EQUAL, "uniform": 2.0, "exponential": LONGEST, "sharegpt": LONGEST}  # the longest, by distribution
# Beside these names, the shortest as a share of the longest where lengths are drawn evenly between the two.
MEAN_BATCH = math.log(2.0)  # of the batch at its start: what the mean request sees, each weighing alike


def drain_s(step: StepModel, batch: float, work: Work) -> float:
    """Seconds until the last of `batch` requests has written its answer."""
    last = min(math.log(batch) + EULER + (1.0 - EULER) / batch, work.longest)
    own_s = step.own_s(work.context)
    mean = sum(
        weight * step.decode_with(max(batch * math.exp(-last * node), 1.0), own_s)
        for node, weight in zip(NODES, WEIGHTS, strict=True)
    )
    return work.output * last * mean


def longest_of(distribution: str | float, output_tokens: float, output_cap: float | None) -> float:
    """The longest answer, in means.

    Args:
        distribution: a name in LENGTHS, or the share of the longest that the shortest is.
        output_tokens: the mean answer.
        output_cap: the limit of one answer, where it is known.
    """
    longest = LENGTHS[distribution] if isinstance(distribution, str) else 2.0 / (1.0 + distribution)
    return longest if output_cap is None else max(min(longest, output_cap / output_tokens), EQUAL)
