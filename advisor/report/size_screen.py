"""`size` on a terminal: four ways side by side, cost against wait, then what stops each."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from advisor.catalog import constants, weights_format
from advisor.catalog.vendors import short_card
from advisor.decide.judge import meets
from advisor.decide.words import at_the_edge, beside, layout, pace, unit_of
from advisor.report.layout import columns, paragraph
from advisor.report.pareto import scatter_lines, scatters
from advisor.report.screen import Screen
from advisor.report.sized import SizeAnswer, next_card
from advisor.schema import Judged, Workload
from advisor.sizing.cost import Cost
from advisor.sizing.housing import kind_of, rung
from advisor.sizing.load import scale_of
from advisor.sizing.night import Night
from advisor.sizing.option import Option, asked_again, engine_title, title, told
from advisor.sizing.others import Other
from advisor.sizing.overflow import Overflow
from advisor.sizing.search import ALIKE, DEAR
from advisor.sizing.short import Short
from advisor.sizing.way import Way
from advisor.units import cents, count, ms, seconds, several

_WHOLE = 10  # money from which parts of it are not told
_UNITS = {"users": "users", "concurrency": "in flight", "request_rate": "requests/s"}
_WORDS = {"cheapest": "cheapest", "fewest": "fewest", "fastest": "fastest", "headroom": "most head-room"}


def size_lines(answer: SizeAnswer, screen: Screen) -> Iterator[Text]:
    """The whole answer."""
    yield Text(headline(answer), style="bold green" if answer.options else "bold red")
    yield from columns(no_rows(answer), screen.columns, indent=3)
    yield Text()
    for number, option in enumerate(answer.options, 1):
        yield from _block(number, option, answer, screen.columns)
    if answer.overflow is not None:
        yield from paragraph(
            peaks(answer.overflow, answer), screen.columns, head=Text("Base and API ", style="bold"), indent=13
        )
        yield Text()
    if answer.others:
        yield Text("Named, and none of these", style="bold")
        yield from columns(other_rows(answer), screen.columns, indent=3)
        yield Text()
    for chart in scatters(answer)[:1]:
        yield from scatter_lines(chart, screen)
    yield from paragraph(assumed(answer), screen.columns, head=Text("Assumed ", style="dim"), indent=8)


def headline(answer: SizeAnswer) -> str:
    """YES or NO, what was asked, and how much was looked at."""
    load, key = answer.question.workload, scale_of(answer.question.workload)
    number = count(key.told(key.planned, load))
    asked = f"{answer.question.model.hf_id} for {number} {_UNITS[key.key]}"
    if not answer.options:
        return f"NO: none of {_cards(answer)} carries {asked} within what was allowed"
    ways = len(answer.found.ways)
    return f"YES: {asked}; {several(ways, 'way')} judged in full, of {_cards(answer)}"


def _cards(answer: SizeAnswer) -> str:
    tried = answer.found.tried
    return f"{several(tried, 'kind')} of cards"


def no_rows(answer: SizeAnswer) -> list[tuple[str, str]]:
    """Where nothing does: why, what could be asked less of, and what would do without a limit."""
    return [*_short(answer.short), *(_without(*one, answer) for one in answer.without)]


def other_rows(answer: SizeAnswer) -> list[tuple[str, str]]:
    """Cards that were named and are no way of the answer: what each would cost, or why it does not carry the load."""
    return [(short_card(other.supply.spec.name), _other(other, answer)) for other in answer.others]


def _other(other: Other, answer: SizeAnswer) -> str:
    if other.way is None:
        return f"no: {other.why}"
    price, fit = other.way.cost, title(other.way.fit)
    if price is None:
        return f"carried by {fit}; no price of it is known (--price tells it)"
    return f"{fit}, at more: {_priced(price.purchase, answer)} once, {price.per_month:,.0f} a month ({price.kind})"


def _short(found: Short | None) -> Iterator[tuple[str, str]]:
    """Why not even the largest machine does, and what could be asked less of."""
    if found is not None:
        yield title(found.fit), found.why
        yield from (("a yes there", change) for change in found.changes)


def _without(name: str, way: Way, answer: SizeAnswer) -> tuple[str, str]:
    """What would do if a limit fell."""
    unit = answer.terms.exchange.currency
    price = f": {way.cost.purchase:,.0f} {unit} once, {way.cost.per_month:,.0f} a month" if way.cost else ""
    return f"without {name}", f"{title(way.fit)}{price}"


def _block(number: int, option: Option, answer: SizeAnswer, width: int) -> Iterator[Text]:
    yield Text(f"{number}  {machines(option)}", style="bold cyan").append(f"  {answered(option)}", style="bold")
    yield from columns([(Text(head, style="dim"), text) for head, text in rows_of(option, answer)], width, indent=3)
    yield Text()


def machines(option: Option) -> str:
    """What is to be had."""
    fit = option.way.fit
    return title(fit) + (f" ({fit.spare} of them spare)" if fit.spare else "")


def answered(option: Option) -> str:
    """Which of the four questions it answers."""
    return ", ".join(_WORDS[kind] for kind in option.kinds)


def rows_of(option: Option, answer: SizeAnswer) -> list[tuple[str, str]]:
    """Plan, costs, what it carries, what is at risk, and how to ask again."""
    rows = [*_plans(option, answer.question.workload), *_money(option, answer), *_room(option, answer)]
    rows += [("note", note) for note in option.notes]
    return [*rows, ("ask again", f"advisor recommend {asked_again(option)} {answer.typed}")]


def _plans(option: Option, asked: Workload) -> Iterator[tuple[str, str]]:
    """The winner first, then what other engines give on the same machines."""
    order = sorted(option.engines.items(), key=lambda item: item[0] != option.way.verdict.engine)
    for place, (name, judged) in enumerate(order):
        sure = f"; confidence {option.way.verdict.confidence}" if place == 0 else ""
        told = f"{sure}{_doubt(judged, asked)}" if meets(judged) else ", misses the targets"
        yield "plan" if place == 0 else "or", f"{engine_title(name)}: {_plan(judged, asked)}{told}"


def _doubt(judged: Judged, asked: Workload) -> str:
    """Which targets the slow end of the range misses."""
    names = [what for what, _, _ in at_the_edge(judged.estimate.peak_speed, asked)]
    return f", may miss the {' and the '.join(names)}" if names else ""


def _plan(judged: Judged, asked: Workload) -> str:
    candidate, speed = judged.estimate.candidate, judged.estimate.speed
    parts = [weights_format(candidate.weights_format).title, f"KV {candidate.kv_cache_dtype}"]
    parts += layout(candidate)
    if speed:
        total = speed.output_tokens_per_s
        by = candidate.replicas
        span = f"{count(total.low * by)} to {count(total.high * by)}"
        parts.append(f"{count(total.expected * by)} {unit_of(asked)} ({span})")
        read = f"{count(1 / speed.tpot_s.expected)} each, first after {ms(speed.ttft_s.expected)}"
        parts.append(pace(speed, asked.made) if asked.pooled else read)
    return ", ".join(parts)


def _money(option: Option, answer: SizeAnswer) -> Iterator[tuple[str, str]]:
    way, unit = option.way, answer.terms.exchange.currency
    if not way.costs:
        yield "cost", 'not known: no source gives a price; --price "CARD=0.9/h" or "CARD=7000" tells it'
    kinds: dict[str, Cost] = {}
    for each in way.costs:
        kinds.setdefault(each.kind, each)
    for found in kinds.values():
        million = f", {cents(found.per_million_tokens)} a million tokens" if found.per_million_tokens else ""
        once = f"{found.purchase:,.0f} {unit} once{_parts(found)}, " if found.purchase else ""
        yield found.kind, f"{once}{found.per_month:,.0f} {unit} a month{million}  ({found.dated})"
    if option.night is not None:
        yield "night", _night(option.night, way, answer)
    if option.api_per_month is not None and way.cost:
        when = told(way.cost, option.break_even, answer.terms)
        api = f"{option.api_per_month:,.{0 if option.api_per_month >= _WHOLE else 2}f}"
        yield "API", f"{api} {unit} a month for {_tokens(way)}; this wins {when}"


def _tokens(way: Way) -> str:
    """What an API would be paid for: a faster way makes more of them where nobody pauses."""
    if way.tokens is None:
        return "the same tokens"
    return f"the {way.tokens.read / 1e6:,.0f} M tokens read and {way.tokens.written / 1e6:,.0f} M written here"


def _parts(found: Cost) -> str:
    """What of a purchase is for cards, and what for what stands around them."""
    cards = found.purchase - found.machines
    return f" (cards {cards:,.0f}, machines around them {found.machines:,.0f})" if found.machines else ""


def _night(night: Night, way: Way, answer: SizeAnswer) -> str:
    """The hours without load."""
    wait = f"who comes first then waits for the start: {seconds(night.start_s)} at the most"
    if way.cost and way.cost.kind == "rent":
        return f"given back outside {answer.terms.ops_hours:g} hours a day; {wait}"
    if not night.idle_per_month:
        return f"off outside {answer.terms.ops_hours:g} hours a day; {wait}"
    stays = f"{night.idle_per_month:,.2f} {answer.terms.exchange.currency} a month to stay loaded"
    return f"{stays}; switched off instead, {wait}"


def peaks(found: Overflow, answer: SizeAnswer) -> str:
    """Machines for the base and the API above them, beside machines for all."""
    unit, load, key = answer.terms.exchange.currency, answer.question.workload, scale_of(answer.question.workload)
    told_ = f"{title(found.way.fit)} for {count(key.told(found.peaks.base, load))} {_UNITS[key.key]}"
    if found.carried >= key.planned:
        return f"{told_} carries the whole load"
    own = found.way.cost.per_month if found.way.cost else 0.0
    whole = answer.options[0].way.cost
    beside = f"; machines for all of it: {whole.per_month:,.0f}" if whole else ""
    return (
        f"{told_} (they carry {count(key.told(found.carried, load))}), the API for what is more in "
        f"{found.peaks.hours:g} hours a day: {own:,.0f} + {found.api_per_month:,.0f} = {found.per_month:,.0f} {unit} "
        f"a month{beside}"
    )


def _room(option: Option, answer: SizeAnswer) -> Iterator[tuple[str, str]]:
    load, key = answer.question.workload, scale_of(answer.question.workload)
    watts = option.way.fit.supply.spec.tdp_watts
    draw = f"; {option.way.fit.cards * watts:,.0f} W of cards" if watts else ""
    if option.most is None:
        yield "up to", f"no end within the targets{draw}"
        return
    winner = option.way.verdict.winner
    other = beside(winner.estimate.candidate, option.last) if winner and option.last else ""
    by = f" (by then as {other})" if other else ""
    most = f"{count(key.told(option.most, load))} {_UNITS[key.key]}{by}"
    yield "up to", f"{most}{draw}; then: {option.binds or 'no target'}"
    due = next_card(option, answer)
    if due is not None:
        yield "next card", f"{due.isoformat()}, at {answer.growth:g} % more a month"


def _around(answer: SizeAnswer) -> str:
    """What a machine without its cards costs and draws, of each size that is named; what was given stands as it is."""
    terms = answer.terms  # what is rented has its machine
    if terms.host_price is not None:
        return f"; a machine without its cards {_priced(terms.host_price, answer)}"
    owned = (option.way for option in answer.options if any(cost.kind != "rent" for cost in option.way.costs))
    fits = (way.fit for way in owned)
    used = {one for fit in fits if (one := rung(kind_of(fit.supply.spec), fit.cards_a_host))}
    sizes = [
        f"a {one.name} for {several(one.cards, 'card')} {_priced(terms.exchange.into(one.usd, 'USD'), answer)} and "
        f"{one.watts:,.0f} W ({one.date})"
        for one in sorted(used, key=lambda one: (one.cards, one.name))
    ]
    return f"; without its cards {', '.join(sizes)}: --host-price and --host-watts tell yours" if sizes else ""


def _launched(answer: SizeAnswer) -> str:
    """How far from a launch price new cards were sold; nothing where none is bought at one."""
    paid = (cost for option in answer.options for cost in option.way.costs)
    if not any(cost.dated.startswith("launch price") for cost in paid):
        return ""
    low, high = constants("prices")["new"]["times"]
    day = constants("prices")["new"]["date"]
    return f"; some new cards were sold at {low:g} to {high:g} times their launch price in {day}: --price tells today's"


def _priced(amount: float, answer: SizeAnswer) -> str:
    return f"{amount:,.0f} {answer.terms.exchange.currency}"


def assumed(answer: SizeAnswer) -> str:
    """What the figures rest on."""
    terms, unit = answer.terms, answer.terms.exchange.currency
    told_ = (
        f"cards and machines at their full power {terms.ops_hours:g} hours a day, {terms.kwh:.3g} {unit} a kWh "
        f"({terms.kwh_told}), PUE {terms.pue:g}; a purchase spread over {terms.years:g} years, "
        f"{terms.resale:.0%} got back; exchange rates of {terms.exchange.date}{_around(answer)}{_launched(answer)}"
    )
    if len(answer.found.ways) > 1:
        told_ += (
            f"; fastest and most head-room: of the {len(answer.found.ways)} cheapest ways, of several machines those "
            f"of up to {DEAR:g} times the cheapest; fastest: within {ALIKE:.0%} the fewest cards"
        )
    if unpriced := [title(way.fit) for way in answer.found.ways if way.cost is None]:
        told_ += f"; no price is known of {', '.join(unpriced)}, so that they may be cheaper"
    return told_
