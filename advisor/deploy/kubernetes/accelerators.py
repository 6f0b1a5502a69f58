"""How a pod asks for its cards: the extended resources that the vendors' device plugins offer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.catalog.vendor_entries import Kubernetes
from advisor.catalog.vendors import vendor_of
from advisor.engines.devices import cards_of
from advisor.errors import EnvironmentFailed
from advisor.schema import Accelerator, Plan


def resource(card: Accelerator) -> str:
    """`"nvidia.com/gpu"`, `"nvidia.com/mig-3g.20gb"`, `"amd.com/gpu"`, `"gpu.intel.com/xe"`."""
    if card.mig_profile:
        return _offered(card).slice_prefix + re.sub(r"[^a-z0-9.]+", ".", card.mig_profile.lower()).strip(".")
    return _of_whole(card)


def _of_whole(card: Accelerator) -> str:
    """The resource of a card that is not sliced."""
    offered = _offered(card)
    begins = (name for word, name in offered.by_architecture.items() if (card.architecture or "").startswith(word))
    return next(begins, offered.resource)


def _offered(card: Accelerator) -> Kubernetes:
    found = vendor_of(card).kubernetes
    if found is None:  # `possible` has refused such a plan
        raise EnvironmentFailed(f"no device plugin is known for {card.name}: please report this")
    return found


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
    usual = (_of_whole(card) for card in cards_of_pod(plan))
    return tuple(sorted({*devices(plan), *usual}))


def runtime_class(plan: Plan) -> str:
    """That of the cards' vendor; empty without cards, or where its device plugin needs none."""
    return next((_offered(card).runtime_class for card in cards_of_pod(plan)), "")


def products(plan: Plan) -> Mapping[str, str]:
    """Label of a node → name of its cards as the vendor's labeller writes it; of unequal cards none."""
    cards = cards_of_pod(plan)
    named = {(_offered(card).product_label, _product(card)) for card in cards}
    return {label: name for label, name in named if label} if len(named) == 1 else {}


def _product(card: Accelerator) -> str:
    """`"NVIDIA GeForce RTX 4090"` → `"NVIDIA-GeForce-RTX-4090"`; at most the 63 characters of a label."""
    return re.sub(r"[^A-Za-z0-9._-]+", _offered(card).product_blank, card.name)[:63].strip("-._")
