"""The hours without load: what machines that stay up cost in them, and the wait where they are switched off."""

from __future__ import annotations

from dataclasses import replace

from advisor.engines import ENGINES
from advisor.schema import value
from advisor.sizing.cost import Terms, electricity
from advisor.sizing.way import Way, fleet_of


@value
class Night:
    """Both ways to spend the hours without load."""

    idle_per_month: float  # of machines that stay up; 0 where none was said to
    start_s: int  # the longest that whoever comes first waits for machines that were off: weights and graphs are loaded


def night_of(way: Way, terms: Terms) -> Night | None:
    """Of one way; None where there are no such hours."""
    winner, asked = way.verdict.winner, way.question
    if terms.ops_hours >= 24 or winner is None:
        return None
    fleet = fleet_of(way.fit.supply, way.fit.cards, way.fit.hosts_in_all)
    up, off = electricity(fleet, terms), electricity(fleet, replace(terms, idle_watts=0.0))
    engine = ENGINES[winner.estimate.candidate.engine]
    launch = engine.launch(winner.estimate, (), asked.hardware, asked.workload, asked.model)
    return Night(idle_per_month=(up or 0.0) - (off or 0.0), start_s=launch.startup_s)
