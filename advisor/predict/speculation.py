"""The column `speculation` of a row: a method, its draft tokens, and how many of a step's tokens are kept."""

from __future__ import annotations

import re

from advisor.edge.terminal import shown
from advisor.engines.ready import Ready, Unsupported
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.speculation import DRAFTED, Speculation, speculating

_OFF = ("", "none", "off", "no")
_WRITTEN = re.compile(r"([a-z][a-z-]*\d?)(?::(\d{1,2}))?(?::(\d+(?:\.\d+)?))?")
MOST_DRAFTED = 32


def speculation_of(text: str) -> Speculation | None:
    """`mtp`, `mtp:3` (three draft tokens) or `mtp:3:2.4` (of each step 2.4 tokens are kept); None: no speculation.

    Raises:
        Unsupported: another method, or figures that contradict each other.
    """
    name = text.strip().lower()
    if name in _OFF:
        return None
    found = _WRITTEN.fullmatch(name)
    method = found.group(1).replace("-", "").rstrip("23") if found else ""
    if found is None or method not in DRAFTED:
        raise Unsupported(f"speculation {shown(text)} is not METHOD[:DRAFTED[:KEPT]] with one of {', '.join(DRAFTED)}")
    drafted = int(found.group(2) or DRAFTED[method])
    if not 1 <= drafted <= MOST_DRAFTED:
        raise Unsupported(f"speculation {shown(text)} drafts {drafted} tokens; from 1 to {MOST_DRAFTED} are accepted")
    kept = float(found.group(3)) if found.group(3) else None
    if kept is not None and not 1 <= kept <= drafted + 1:
        raise Unsupported(f"speculation {shown(text)} keeps {kept:g} tokens of a step; from 1 to {drafted + 1} can be")
    return Speculation(method, drafted, kept)


def with_speculation(ready: Ready, wanted: Speculation, values: Constants) -> Ready:
    """The configuration with a step that verifies drafts; `values` are the constants of its kernels."""
    facts = ready.prepared.facts
    step, bench = (speculating(one, facts, wanted, values) for one in (ready.step, ready.bench))
    return ready._replace(step=step, bench=bench)
