"""The load of a running engine, watched for a while: what its plan for the other engine is made for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from advisor.engines.looking import Reader, Reading
from advisor.schema import value

PAUSE_S = 0.5  # between two looks
LEAST_REQUESTS = 3  # finished or begun, to say how long they are
_LENGTHS = (("prompt_tokens", "input_tokens"), ("output_tokens", "output_tokens"))


@value
class Load:
    """What was seen in that time."""

    watched_s: float
    in_flight: float | None  # mean; None: the engine does not tell
    in_flight_p95: int | None
    requests: int
    input_tokens: int | None  # mean; None: too few requests
    output_tokens: int | None
    gaps: tuple[str, ...]

    @property
    def told(self) -> str:
        """In one clause."""
        if self.in_flight is None:
            return f"watched for {self.watched_s:.0f} s: {'; '.join(self.gaps)}"
        return (
            f"watched for {self.watched_s:.0f} s: {self.in_flight:.1f} in flight on average, {self.in_flight_p95} at "
            f"the 95th percentile, {self.requests} requests" + "".join(f"; {gap}" for gap in self.gaps)
        )

    @property
    def overrides(self) -> dict[str, Any]:
        """The same as keys of a workload; nothing where nothing was seen."""
        if not self.in_flight_p95:
            return {}
        found = {
            "concurrency": self.in_flight_p95,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        return {key: item for key, item in found.items() if item}


def watched(
    reader: Reader,
    seconds: float,
    progress: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
) -> Load:
    """Look again and again for that long.

    Raises:
        EnvironmentFailed: the engine went away meanwhile.
    """
    seen = [reader.read(clock())]
    while seen[-1].at_s - seen[0].at_s < seconds:
        progress(f"watching, {seconds - (seen[-1].at_s - seen[0].at_s):.0f} s left")
        pause(PAUSE_S)
        seen.append(reader.read(clock()))
    return load_of(seen)


def load_of(seen: Sequence[Reading]) -> Load:
    """What several looks say together."""
    levels = sorted(each.in_flight for each in seen if each.in_flight is not None)
    counted = {
        name: seen[-1].totals.get(name, 0.0) - seen[0].totals.get(name, 0.0) for name in ("requests", *dict(_LENGTHS))
    }
    requests = int(max(counted["requests"], 0))
    lengths = {
        key: max(round(counted[name] / requests), 1) if requests >= LEAST_REQUESTS and counted[name] > 0 else None
        for name, key in _LENGTHS
    }
    return Load(
        watched_s=seen[-1].at_s - seen[0].at_s,
        in_flight=sum(levels) / len(levels) if levels else None,
        in_flight_p95=levels[math.ceil(0.95 * len(levels)) - 1] if levels else None,
        requests=requests,
        gaps=tuple(dict.fromkeys(gap for each in seen for gap in each.gaps)),
        **lengths,
    )
