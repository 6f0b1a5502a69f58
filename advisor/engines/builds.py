"""Who makes the cards of a plan, and how its engine runs on them: `data/vendors.yaml` seen from a plan."""

from __future__ import annotations

from advisor.catalog.vendor_entries import Access, Build, VendorSpec
from advisor.catalog.vendors import build_for, vendor_of
from advisor.engines.devices import cards_of
from advisor.schema import Plan


def maker(plan: Plan) -> VendorSpec | None:
    """Who makes the cards that the plan uses; None on a CPU."""
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    return vendor_of(cards[0]) if cards else None


def build(plan: Plan) -> Build | None:
    """How the plan's engine runs on its cards; None on a CPU."""
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    return build_for(cards[0], plan.engine) if cards else None


def access(plan: Plan) -> Access | None:
    """How a container or a unit reaches the plan's cards; None on a CPU and where nothing outside the desktop does."""
    vendor = maker(plan)
    return vendor.access if vendor else None


def has_image(plan: Plan) -> bool:
    """Whether an image of the pinned version reaches the plan's device."""
    found = build(plan)
    return found is None or found.in_container
