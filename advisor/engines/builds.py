"""Who makes the cards of a plan, and how its engine runs on them: `data/vendors.yaml` seen from a plan."""

from __future__ import annotations

from advisor.catalog.vendor_entries import Access, VendorSpec
from advisor.catalog.vendor_parts import Build
from advisor.catalog.vendors import build_for, vendor_of
from advisor.engines.devices import cards_of
from advisor.engines.places import place
from advisor.schema import Plan, value


@value
class Slice:
    """How an engine that runs without containers is told its slice, which is known by a long id alone."""

    place: str  # parent:child
    variable: str
    query: str  # a line of shell: the id of $slice

    @property
    def script(self) -> str:
        """One line of shell that puts the slice's id into $slice; a variable of .env names another one."""
        return f"slice=${{ADVISOR_MIG_DEVICE:-{self.place}}}; case $slice in MIG-*) ;; *) slice=$({self.query}) ;; esac"


def maker(plan: Plan) -> VendorSpec | None:
    """Who makes the cards that the plan uses; None on a CPU."""
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    return vendor_of(cards[0]) if cards else None


def build(plan: Plan) -> Build | None:
    """How the plan's engine runs on its cards; None on a CPU."""
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    return build_for(cards[0], plan.engine) if cards else None


def chosen_slice(plan: Plan) -> Slice | None:
    """The slice of a card that the plan uses, for an engine that no container runtime hands it to; else None."""
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    vendor, found = maker(plan), build(plan)
    if not vendor or not vendor.tool or not found or not found.cards_variable or not cards[0].mig_profile:
        return None
    query = vendor.tool.slice_id.format(parent="${slice%:*}", child="${slice#*:}")
    return Slice(place=place(cards[0], plan.hardware), variable=found.cards_variable, query=query)


def access(plan: Plan) -> Access | None:
    """How a container or a unit reaches the plan's cards; None on a CPU and where nothing outside the desktop does."""
    vendor = maker(plan)
    return vendor.access if vendor else None


def has_image(plan: Plan) -> bool:
    """Whether an image of the pinned version reaches the plan's device."""
    found = build(plan)
    return found is None or found.in_container
