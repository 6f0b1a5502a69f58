"""How a pod asks for its cards: the extended resources that the vendors' device plugins offer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.engines.devices import cards_of
from advisor.schema import Accelerator, Plan

RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}
NEW_INTEL = ("Xe2", "Xe3")  # architectures that the kernel's xe driver serves; older ones have i915


def resource(card: Accelerator) -> str:
    """`"nvidia.com/gpu"`, `"nvidia.com/mig-3g.20gb"`, `"amd.com/gpu"`, `"gpu.intel.com/xe"`."""
    if card.mig_profile:
        return "nvidia.com/mig-" + re.sub(r"[^a-z0-9.]+", ".", card.mig_profile.lower()).strip(".")
    if card.vendor == "intel":
        new = any((card.architecture or "").startswith(name) for name in NEW_INTEL)
        return "gpu.intel.com/" + ("xe" if new else "i915")
    return RESOURCES[card.vendor]


def cards_of_pod(plan: Plan) -> tuple[Accelerator, ...]:
    """The cards of one pod: a replica's on one machine; none on a CPU."""
    candidate = plan.estimate.candidate
    cards = cards_of(candidate, plan.hardware)
    return cards[: candidate.local_share(len(cards))]


def devices(plan: Plan) -> Mapping[str, int]:
    """How many of which resource one pod asks for."""
    counted: dict[str, int] = {}
    for card in cards_of_pod(plan):
        counted[resource(card)] = counted.get(resource(card), 0) + 1
    return counted


def taints(plan: Plan) -> tuple[str, ...]:
    """Keys with which clusters keep other pods off such nodes: the resource, and the vendor's usual one."""
    usual = [RESOURCES[card.vendor] for card in cards_of_pod(plan) if card.vendor in RESOURCES]
    return tuple(sorted({*devices(plan), *usual}))
