"""The ways that answer a question, each with what it carries at most, what stops it there, and when that is reached."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from advisor.catalog import constants, engine_limits, weights_format
from advisor.catalog.vendors import short_card
from advisor.decide.judge import vetoed
from advisor.physics.memory.weights import file_bytes
from advisor.schema import Candidate, Judged, Question, value
from advisor.sizing.ceiling import Ceiling
from advisor.sizing.cost import Cost, Terms, break_even_month
from advisor.sizing.hosts import Fit
from advisor.sizing.load import binds, has_end, last_way, most_of, most_over_all, scale_of
from advisor.sizing.night import Night, night_of
from advisor.sizing.search import Sized
from advisor.sizing.way import Way, api_month
from advisor.units import GIB
from advisor.verdict import verdict_for

_ROOM = "headroom"
KINDS = ("cheapest", "fewest", "fastest", _ROOM)


@value
class Option:
    """One way with its whole verdict, for each question that it answers."""

    kinds: tuple[str, ...]
    way: Way
    most: int | None  # load on the scale of the question that these machines carry; None: no end
    binds: str
    engines: dict[str, Judged]  # the best way of each engine on the same machines
    last: Candidate | None  # what carries the most: at such a load it may be another than the plan
    notes: tuple[str, ...]
    api_per_month: float | None = None
    night: Night | None = None  # the hours without load

    @property
    def break_even(self) -> float | None:
        """Months until it has cost less than the API; None: never, or there is none to compare with."""
        if self.api_per_month is None or self.way.cost is None:
            return None
        return break_even_month(self.way.cost, self.api_per_month)


def options_of(found: Sized, terms: Terms) -> tuple[Option, ...]:
    """One option a way, in the order of the questions."""
    ways: list[Way] = []
    for kind in KINDS:
        if kind in found.kinds and found.kinds[kind] not in ways:
            ways.append(found.kinds[kind])
    options = [_option(way, tuple(k for k in KINDS if found.kinds.get(k) is way), terms) for way in ways]
    return _roomiest_last(options)


def _roomiest_last(options: Sequence[Option]) -> tuple[Option, ...]:
    """The most head-room is that of the one that carries the most with any plan, not with its own alone."""
    if not options:
        return ()
    most = max(options, key=lambda one: math.inf if one.most is None else one.most)
    told = []
    for one in options:
        kinds = tuple(kind for kind in KINDS if (one is most if kind == _ROOM else kind in one.kinds))
        told += [replace(one, kinds=kinds)] if kinds else []
    return tuple(told)


def _option(ranked: Way, kinds: tuple[str, ...], terms: Terms) -> Option:
    way = replace(ranked, verdict=verdict_for(ranked.question, depth=False, may=Ceiling(ranked.question).allows))
    most = _most(way)
    winner = way.verdict.winner
    last = last_way(way.question, most, winner.estimate.candidate) if winner and most is not None else None
    return Option(
        kinds=kinds,
        way=way,
        most=most,
        binds=binds(last, way.question, most) if last and most is not None else "",
        last=last,
        engines=by_engine(way),
        notes=notes_of(way.fit, way.question, winner.estimate.candidate if winner else None),
        api_per_month=api_month(way, terms),
        night=night_of(way, terms),
    )


def _most(way: Way) -> int | None:
    """From what the plan carries on to what any other one does."""
    if not has_end(way.question) or way.verdict.winner is None:
        return None
    known = most_of(way.verdict.winner.estimate.candidate, way.question, scale_of(way.question.workload).planned)
    return None if known is None else most_over_all(way.question, known)


def by_engine(way: Way) -> dict[str, Judged]:
    """Of each engine the first that no rule refuses: as the verdict orders them."""
    judged: Sequence[Judged] = tuple(filter(None, (way.verdict.winner, *way.verdict.losers)))
    found: dict[str, Judged] = {}
    for one in judged:
        if not vetoed(one):
            found.setdefault(one.estimate.candidate.engine, one)
    return found


def months_until_full(most: int | None, question: Question, growth: float) -> float | None:
    """Months until the load is more than the machines carry, at so many percent more a month; None: never."""
    if most is None or growth <= 0:
        return None
    return max(math.log((most + 1) / scale_of(question.workload).planned) / math.log(1 + growth / 100), 0.0)


def notes_of(fit: Fit, question: Question, used: Candidate | None = None) -> tuple[str, ...]:
    """What a machine for so many cards and such weights must have, and what is at risk."""
    desk, card, number = constants("prices")["desk"], fit.supply.spec, fit.cards_a_host
    found = []
    if card.device_class != "datacenter" and number > 1 and not card.unified_memory:
        if number * desk["lanes_per_card"] > desk["lanes"] or number > desk["slots"]:
            found.append(
                f"{number} cards in one machine: a desk's board has {desk['slots']} long slots and about "
                f"{desk['lanes']} lanes ({desk['lanes_per_card']} for each card are needed): a server's board"
            )
        draw = number * (card.tdp_watts or 0.0)
        if draw > desk["socket_watts"]:
            found.append(
                f"{draw:,.0f} W of cards in one machine: one power supply gives about {desk['socket_watts']:,} W"
            )
    size = file_bytes(question.model, weights_format(used.weights_format)) / GIB if used else 0.0
    if card.device_class != "datacenter" and size > desk["ram_gib"]:
        found.append(
            f"{size:,.0f} GiB of weights pass through the machine's memory: a desk's board takes {desk['ram_gib']} GiB"
        )
    if question.workload.production and fit.hosts_in_all == 1:
        found.append("one machine for production: while it is down, nobody is served (--spare 1)")
    return tuple(found)


def title(fit: Fit) -> str:
    """`2 x RTX 4090`, `3 machines of 8 x L40S`; the spare ones counted."""
    card = short_card(fit.supply.spec.name)
    one = f"{fit.cards_a_host} x {card}"
    return one if fit.hosts_in_all == 1 else f"{fit.hosts_in_all} machines of {one}"


def engine_title(name: str) -> str:
    """As its makers write it."""
    return engine_limits(name).title


def asked_again(option: Option) -> str:
    """The machines as `recommend` takes them."""
    fit = option.way.fit
    number = f"{fit.cards_a_host}x " if fit.cards_a_host > 1 else ""
    return f'--gpu "{number}{fit.supply.text}"' + (f" --nodes {fit.hosts}" if fit.hosts > 1 else "")


def told(found: Cost, months: float | None, terms: Terms) -> str:
    """When the purchase is earned back."""
    if months is None:
        return "never: running it costs more a month than the API"
    if found.purchase == 0:
        return "from the first month"
    if months > 12 * terms.years:
        return f"only in month {math.ceil(months):,}: not in the {terms.years:g} years it is planned for"
    return f"in month {math.ceil(months)}"
