"""Rules about several machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.physics.speed.internode import hops_of, token_bytes
from advisor.rules.base import Case, Contest
from advisor.units import count, ms, several


def spd208(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes what the network between the stages of one replica costs."""
    hops, link = hops_of(case.estimate.candidate, case.hardware, case.model), case.hardware.node_link
    if not hops.borders or link is None:
        return None
    prompt_s = hops.borders * case.workload.input_tokens * hops.token_s
    borders = several(hops.borders, "border")
    return (
        f"{hops.borders + 1} machines hold one model in stages: each token hands over "
        f"{token_bytes(case.model) / 1024:.0f} KiB at {borders}; a prompt of {count(case.workload.input_tokens)} "
        f"tokens spends {ms(prompt_s)} on the network ({link.name}{', assumed' if link.assumed else ''})"
    )


def svc309(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Says why more than one machine is planned."""
    planned = [judged.estimate.candidate.nodes for judged in contest.best.values() if judged is not None]
    if not contest.one_node or max(planned, default=1) == 1:
        return None
    return f"1 machine is not enough: {contest.one_node}"
