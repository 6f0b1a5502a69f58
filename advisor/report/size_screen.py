"""`size` on a terminal: four ways side by side, cost against wait, then what stops each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from advisor.catalog import weights_format
from advisor.decide.judge import meets
from advisor.report.layout import columns, paragraph
from advisor.report.screen import Screen
from advisor.report.sized import SizeAnswer, next_card
from advisor.schema import Judged
from advisor.sizing.load import scale_of
from advisor.sizing.option import Option, asked_again, engine_title, title, told
from advisor.sizing.way import Way
from advisor.units import count, ms, seconds

_ROWS = 8  # of the chart
_LABEL = 9
_UNITS = {"users": "users", "concurrency": "in flight", "request_rate": "requests/s"}
_WORDS = {"cheapest": "cheapest", "fewest": "fewest", "fastest": "fastest", "headroom": "most head-room"}


def size_lines(answer: SizeAnswer, screen: Screen) -> Iterator[Text]:
    """The whole answer."""
    yield Text(_headline(answer), style="bold green" if answer.options else "bold red")
    yield from columns([_without(name, way, answer) for name, way in answer.without], screen.columns, indent=3)
    yield Text()
    for number, option in enumerate(answer.options, 1):
        yield from _block(number, option, answer, screen.columns)
    yield from pareto(
        answer.found.ways, [option.way for option in answer.options], screen, answer.terms.exchange.currency
    )
    yield from _assumed(answer, screen.columns)


def _headline(answer: SizeAnswer) -> str:
    load, key = answer.question.workload, scale_of(answer.question.workload)
    number = count(key.told(key.planned, load))
    asked = f"{answer.question.model.hf_id} for {number} {_UNITS[key.key]}"
    if not answer.options:
        return f"NO: none of {answer.found.tried} kinds of cards carries {asked} within what was allowed"
    ways = len(answer.found.ways)
    return f"YES: {asked}; {ways} way{'s' if ways != 1 else ''} judged in full, of {answer.found.tried} kinds of cards"


def _without(name: str, way: Way, answer: SizeAnswer) -> tuple[str, str]:
    """What would do if a limit fell."""
    unit = answer.terms.exchange.currency
    price = f": {way.cost.purchase:,.0f} {unit} once, {way.cost.per_month:,.0f} a month" if way.cost else ""
    return f"without {name}", f"{title(way.fit)}{price}"


def _block(number: int, option: Option, answer: SizeAnswer, width: int) -> Iterator[Text]:
    kinds = ", ".join(_WORDS[kind] for kind in option.kinds)
    fit = option.way.fit
    spare = f" ({fit.spare} of them spare)" if fit.spare else ""
    yield Text(f"{number}  {title(fit)}{spare}", style="bold cyan").append(f"  {kinds}", style="bold")
    unit = "requests/s" if answer.question.workload.kind == "embed" else "tokens/s"
    rows = [*_plans(option, unit), *_money(option, answer), *_room(option, answer)]
    rows += [("note", note) for note in option.notes]
    rows.append(("ask again", f"advisor recommend {asked_again(option)} {answer.typed}"))
    yield from columns([(Text(head, style="dim"), text) for head, text in rows], width, indent=3)
    yield Text()


def _plans(option: Option, unit: str) -> Iterator[tuple[str, str]]:
    """The winner first, then what other engines give on the same machines."""
    order = sorted(option.engines.items(), key=lambda item: item[0] != option.way.verdict.engine)
    for place, (name, judged) in enumerate(order):
        short = "" if meets(judged) else ", misses the targets"
        yield "plan" if place == 0 else "or", f"{engine_title(name)}: {_plan(judged, unit)}{short}"


def _plan(judged: Judged, unit: str) -> str:
    candidate, speed = judged.estimate.candidate, judged.estimate.speed
    parts = [weights_format(candidate.weights_format).title, f"KV {candidate.kv_cache_dtype}"]
    parts += [f"TP {candidate.tensor_parallel}"] if candidate.tensor_parallel > 1 else []
    parts += [f"PP {candidate.pipeline_parallel}"] if candidate.pipeline_parallel > 1 else []
    parts += [f"{candidate.replicas} replicas"] if candidate.replicas > 1 else []
    if speed:
        total = speed.output_tokens_per_s
        by = candidate.replicas
        parts.append(
            f"{count(total.expected * by)} {unit} ({count(total.low * by)} to {count(total.high * by)}), "
            f"{count(1 / speed.tpot_s.expected)} each, first after {ms(speed.ttft_s.expected)}"
        )
    return ", ".join(parts)


def _money(option: Option, answer: SizeAnswer) -> Iterator[tuple[str, str]]:
    way, unit = option.way, answer.terms.exchange.currency
    if not way.costs:
        yield "cost", 'not known: no source gives a price; --price "CARD=0.9/h" or "CARD=7000" tells it'
    for found in {each.kind: each for each in reversed(way.costs)}.values():
        million = f", {found.per_million_tokens:,.2f} a million tokens" if found.per_million_tokens else ""
        once = f"{found.purchase:,.0f} {unit} once, " if found.purchase else ""
        yield found.kind, f"{once}{found.per_month:,.0f} {unit} a month{million}  ({found.dated})"
    if option.api_per_month is not None and way.cost:
        when = told(way.cost, option.break_even, answer.terms)
        yield "API", f"{option.api_per_month:,.0f} {unit} a month for the same tokens; this wins {when}"


def _room(option: Option, answer: SizeAnswer) -> Iterator[tuple[str, str]]:
    load, key = answer.question.workload, scale_of(answer.question.workload)
    watts = option.way.fit.supply.spec.tdp_watts
    draw = f"; {option.way.fit.cards * watts:,.0f} W of cards" if watts else ""
    if option.most is None:
        yield "up to", f"no end within the targets{draw}"
        return
    yield "up to", f"{count(key.told(option.most, load))} {_UNITS[key.key]}{draw}; then: {option.binds or 'no target'}"
    due = next_card(option, answer)
    if due is not None:
        yield "next card", f"{due.isoformat()}, at {answer.growth:g} % more a month"


def _assumed(answer: SizeAnswer, width: int) -> Iterator[Text]:
    terms = answer.terms
    host = "machines around the cards included" if terms.host_price else "machines around the cards not counted"
    told_ = (
        f"cards at their full power {terms.ops_hours:g} hours a day, {terms.kwh:.3g} {terms.exchange.currency} a kWh "
        f"({terms.kwh_told}), PUE {terms.pue:g}; a purchase spread over {terms.years:g} years, "
        f"{terms.resale:.0%} got back; {host}; exchange rates of {terms.exchange.date}"
    )
    if unpriced := [title(way.fit) for way in answer.found.ways if way.cost is None]:
        told_ += f"; no price is known of {', '.join(unpriced)}, so that they may be cheaper"
    yield from paragraph(told_, width, head=Text("Assumed ", style="dim"), indent=8)


def pareto(ways: Sequence[Way], chosen: Sequence[Way], screen: Screen, currency: str) -> Iterator[Text]:
    """Cost a month to the right, wait for an answer upwards, both by their logarithm; chosen ways by their number."""
    priced = [(way.cost.per_month, way.answer_s, way) for way in ways if way.cost and math.isfinite(way.answer_s)]
    if len(priced) < 2:
        return
    costs, waits = [max(x, 1e-3) for x, _, _ in priced], [y for _, y, _ in priced]
    wide = screen.columns - _LABEL - 3
    cells = [[" "] * wide for _ in range(_ROWS)]
    order = sorted(priced, key=lambda one: one[2] in chosen)
    for cost, wait, way in order:
        row = _place(wait, waits, _ROWS)
        mark = str(list(chosen).index(way) + 1) if way in chosen else ("·" if screen.unicode else ".")
        cells[_ROWS - 1 - row][_place(max(cost, 1e-3), costs, wide)] = mark
    yield Text(f"Wait for an answer against {currency} a month (lower left is better)", style="bold")
    for number, line in enumerate(cells):
        label = {0: seconds(max(waits)), _ROWS - 1: seconds(min(waits))}.get(number, "")
        yield Text(f"{label:>{_LABEL}} {'│' if screen.unicode else '|'}{''.join(line)}".rstrip())
    low, high = f"{min(costs):,.0f}", f"{max(costs):,.0f}"
    yield Text(f"{'':>{_LABEL}} {('└' if screen.unicode else '+')}{('─' if screen.unicode else '-') * wide}")
    yield Text(f"{'':>{_LABEL}}  {low}{high:>{wide - len(low)}}")
    yield Text()


def _place(value: float, values: Sequence[float], cells: int) -> int:
    low, high = min(values), max(values)
    share = math.log(value / low) / math.log(high / low) if high > low else 0.0
    return round(share * (cells - 1))
