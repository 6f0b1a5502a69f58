"""The highest load that meets the targets: double until it does not, then halve the gap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from advisor.schema import value
from advisor.smoke.load.stats import LoadResult, Targets
from advisor.units import ms

_GAP = 1 / 8  # the answer is exact to this share


@value
class Ramp:
    """What a ramp found."""

    best: int  # requests in flight; 0: not even one
    reason: str  # why it stopped
    tried: tuple[LoadResult, ...]


def misses(result: LoadResult, targets: Targets) -> str | None:
    """Why a load is too much; None when it is not. Targets hold at the 95th percentile."""
    if result.errors:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in result.errors.items())
        return f"errors: {kinds}"
    if result.ttft_s is None:
        return "no answer came"
    if targets.ttft_s is not None and result.ttft_s.p95 > targets.ttft_s:
        return f"TTFT {ms(result.ttft_s.p95)} at the 95th percentile, target {ms(targets.ttft_s)}"
    if targets.tpot_s is not None and result.tpot_s is not None and result.tpot_s.p95 > targets.tpot_s:
        return f"TPOT {ms(result.tpot_s.p95)} at the 95th percentile, target {ms(targets.tpot_s)}"
    return None


async def ramp(
    measure: Callable[[int], Awaitable[LoadResult]],
    targets: Targets,
    *,
    most: int,
    enough: Callable[[], bool] = lambda: False,
) -> Ramp:
    """Find the most requests in flight that meet every target.

    Args:
        measure: runs one load.
        targets: 95th percentiles; without any, only errors stop the ramp.
        most: never more than this.
        enough: asked before each step; True ends the search (time is up).
    """
    tried: list[LoadResult] = []
    best, level, reason = 0, 1, ""
    limit: int | None = None  # the lowest load that is known to be too much
    while not enough():
        result = await measure(level)
        tried.append(result)
        why = misses(result, targets)
        if why is None:
            best = level
        else:
            limit, reason = level, f"{level} in flight is too much: {why}"
        if limit is None:
            if best >= most:
                reason = f"{most} in flight is the most that was asked for"
                return Ramp(best=best, reason=reason, tried=tuple(tried))
            level = min(2 * level, most)
        elif limit - best <= max(1, int(best * _GAP)):
            return Ramp(best=best, reason=reason, tried=tuple(tried))
        else:
            level = (best + limit) // 2
    return Ramp(best=best, reason=f"time is up{'; ' + reason if reason else ''}", tried=tuple(tried))
