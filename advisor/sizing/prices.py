"""What a card costs: new, used, rented or owned already. What no source tells is not known, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from advisor.catalog import constants
from advisor.catalog.entries import GpuSpec
from advisor.errors import BadInput
from advisor.probe.named import named
from advisor.schema import value
from advisor.sizing.money import Exchange, Money, money

Kind = Literal["new", "used", "rent", "own"]
KINDS: tuple[Kind, ...] = ("new", "used", "rent")


@value
class Offer:
    """One way to have a card."""

    kind: Kind
    each: float  # in the currency of the answer: a card, or a card and hour; of an instance, all of it an hour
    told: str  # date and source
    instance: int | None = None  # cards of an instance that is rented whole; None: by the card


Given = Mapping[str, Sequence[Money]]  # card → prices that somebody gave


def given_prices(texts: Sequence[str]) -> Given:
    """`L40S=0.9/h` → the price of that card.

    Raises:
        BadInput: no card, no price.
    """
    found: dict[str, list[Money]] = {}
    for text in texts:
        card, sign, price = text.rpartition("=")
        if not sign or not card.strip():
            said = f'--price: {text!r} has no card; accepted is e.g. "L40S=0.9/h" or "RTX 3090=700EUR"'
            raise BadInput(said, near="L40S=0.9/h", seen=text, flag="--price")
        specs = named(card.strip()).specs
        if len(specs) != 1:
            raise BadInput(f"--price: {card.strip()!r} names {len(specs)} cards; the price is that of one")
        found.setdefault(specs[0].id, []).append(money(price, "--price", per=("", "h")))
    return found


def offers(spec: GpuSpec, exchange: Exchange, given: Given, kinds: Sequence[Kind] = KINDS) -> tuple[Offer, ...]:
    """Every way to have the card whose price is known; what was given stands in place of what is shipped."""
    own = [_as_given(each, exchange) for each in given.get(spec.id, ())]
    shipped = [] if own else _shipped(spec, exchange)
    return tuple(offer for offer in (*own, *shipped) if offer.kind in kinds)


def _as_given(price: Money, exchange: Exchange) -> Offer:
    return Offer(kind="rent" if price.per == "h" else "new", each=exchange.of(price), told="as given by --price")


def _shipped(spec: GpuSpec, exchange: Exchange) -> list[Offer]:
    found = []
    if spec.launch_price_usd:
        each = exchange.into(spec.launch_price_usd, "USD")
        found.append(Offer(kind="new", each=each, told=f"launch price, {spec.release}: today's may differ"))
    for entry in constants("prices")["used"]:
        if entry["card"] == spec.id:
            seen = f"{entry['date']}, seen from {entry['low_usd']} to {entry['high_usd']} USD"
            found.append(Offer(kind="used", each=exchange.into(entry["usd"], "USD"), told=seen))
    if spec.usd_per_hour:
        found.append(Offer(kind="rent", each=exchange.into(spec.usd_per_hour, "USD"), told=spec.price_source))
    return found + _instances(spec, exchange)


def _instances(spec: GpuSpec, exchange: Exchange) -> list[Offer]:
    """Instances of clouds with this card, as they are sold: whole."""
    return [
        Offer(
            kind="rent",
            each=exchange.into(entry["usd"], "USD"),
            told=f"{entry['instance']}, {entry['cards']} x, on demand; {entry['seller']}, {entry['date']}",
            instance=entry["cards"],
        )
        for entry in constants("prices")["rented"]["instances"]
        if entry["card"] == spec.id
    ]
