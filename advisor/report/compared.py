"""`compare`: several answers to one load, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from advisor.catalog import engine_limits, gpus, weights_format
from advisor.catalog.ranking import score_of
from advisor.decide.words import unit_of
from advisor.models.thinking import written_tokens
from advisor.pipeline import Answer
from advisor.report.document import document
from advisor.report.instead import Figures, in_words, ratios
from advisor.report.layout import paragraph
from advisor.schema import value
from advisor.sizing.cost import Cost, Fleet, Terms, cost, hours_a_month
from advisor.sizing.housing import kind_of
from advisor.sizing.prices import offers
from advisor.units import cents, count, ms, several
from advisor.wire import to_data


@value
class Own:
    """What the plan itself carries, and what carries the most on these cards where that is another."""

    most: int
    other: str  # empty: nothing carries more


@value
class Compared:
    """One of the things that are compared, and what `recommend` says of it."""

    name: str
    kind: str
    answer: Answer
    own: Own | None = None  # None: no plan that meets the targets, or no end to what it carries


def compare_document(found: Sequence[Compared], terms: Terms) -> dict[str, Any]:
    """The document of `recommend` for each, with what it is and the cheapest way to have its cards."""
    return {
        "schema_version": 1,
        "compared": [
            document(each.answer, ())
            | {"item": each.name, "item_kind": each.kind, "cost": _data(each.answer, terms), "own": _own(each)}
            for each in found
        ],
        "instead_of_first": [
            {"item": each.name} | ratios(figures(found[0], terms), figures(each, terms)) for each in found[1:]
        ],
    }


def _own(one: Compared) -> dict[str, Any] | None:
    """What the plan carries by itself, and what it would take to carry all that the cards do."""
    return None if one.own is None else {"carries": one.own.most, "more_as": one.own.other}


def _data(answer: Answer, terms: Terms) -> dict[str, Any] | None:
    known = cost_of(answer, terms)
    return None if known is None else to_data(known)


def figures(one: Compared, terms: Terms) -> Figures:
    """Of one that is compared; what misses its targets carries what it carries within them."""
    verdict, known = one.answer.verdict, cost_of(one.answer, terms)
    speed, asked = verdict.winner.estimate.speed if verdict.winner else None, one.answer.workload
    return Figures(
        carries=verdict.capacity_in_flight if verdict.capacity_users is None else verdict.capacity_users,
        unit="in flight" if verdict.capacity_users is None else "users",
        each=1 / speed.tpot_s.expected if speed and not asked.pooled else None,
        first_s=speed.ttft_s.expected if speed else None,
        first=f"a {asked.made} takes" if asked.pooled else "first token after",
        per_month=known.per_month if known else None,
    )


def instead(found: Sequence[Compared], terms: Terms) -> Iterator[tuple[str, str]]:
    """What each of the others gives in place of the first; why a no is one."""
    first = figures(found[0], terms)
    for other in found[1:]:
        if other.answer.verdict.winner and found[0].answer.verdict.winner:
            changed = in_words(first, figures(other, terms), terms.exchange.currency)
            yield f"{other.name} instead of {found[0].name}", changed
    yield from ((each.name, each.answer.verdict.summary) for each in found if not each.answer.verdict.meets_targets)


def cost_of(answer: Answer, terms: Terms) -> Cost | None:
    """The least that the cards of the plan cost a month; None where no price of them is known."""
    cards = answer.hardware.accelerators
    spec = next((spec for spec in gpus() if cards and spec.id == cards[0].catalog_id), None)
    if spec is None or answer.plan is None or len({card.catalog_id for card in cards}) > 1:
        return None
    nodes = answer.hardware.nodes
    fleet = Fleet(cards=len(cards) * nodes, hosts=nodes, card_watts=spec.tdp_watts, housing=kind_of(spec))
    tokens = _tokens(answer, terms)
    known = [cost(fleet, offer, terms, tokens) for offer in offers(spec, terms.exchange, terms.prices, terms.kinds)]
    return min(filter(None, known), key=lambda each: each.per_month, default=None)


def _tokens(answer: Answer, terms: Terms) -> float | None:
    """Read and written in a month at the planned load."""
    if answer.plan is None or answer.plan.estimate.speed is None:
        return None
    used, load = answer.plan.estimate, answer.workload
    written = written_tokens(load, answer.model)
    rate = answer.plan.estimate.speed.output_tokens_per_s.expected * used.candidate.replicas / max(written, 1)
    return rate * (load.passages * load.input_tokens + written) * 3600 * hours_a_month(terms)


def compare_lines(found: Sequence[Compared], terms: Terms, width: int) -> Iterator[RenderableType]:
    """The table, what the others give in place of the first, and why a no is one."""
    yield compare_table(found, terms)
    yield Text()
    for title, text in instead(found, terms):
        yield from paragraph(f"{title}: {text}", width)
    known = [each for each in found if cost_of(each.answer, terms)]
    if known:
        yield Text()
        yield from paragraph(costs_rest_on(terms), width, head=Text("Costs ", style="dim"), indent=6)


def costs_rest_on(terms: Terms) -> str:
    """What is in the three totals, and on which terms."""
    unit, host = terms.exchange.currency, terms.host_price
    machine = "as shipped, by the cards that it takes" if host is None else f"{host:,.0f} {unit}"
    return (
        f"with the machine around the cards ({machine}), at full power {terms.ops_hours:g} hours a day, "
        f"{terms.kwh:.3g} {unit} a kWh ({terms.kwh_told}), a purchase spread over {terms.years:g} years; new cards at "
        f"their launch price; what costs least a month of new, used and rented. --price, --host-price, --kwh tell yours"
    )


def compare_table(found: Sequence[Compared], terms: Terms) -> Table:
    """A column for each, a row for each figure."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for each in found:
        table.add_column(each.name, overflow="fold")
    columns = [list(_rows(each, terms)) for each in found]
    for row in zip(*columns, strict=True):
        table.add_row(row[0][0], *(cell for _, cell in row))
    return table


def _rows(one: Compared, terms: Terms) -> Iterator[tuple[str, str]]:
    answer = one.answer
    verdict, task = answer.verdict, answer.workload.task
    known = cost_of(answer, terms)
    score = score_of(answer.model.hf_id, task)
    yield "targets", "YES" if verdict.meets_targets else "NO"
    yield "model", answer.model.hf_id.rpartition("/")[2]
    yield "score", str(score) if score else "not known"
    yield from _plan_rows(answer)
    yield "carries", _most(one)
    unit = terms.exchange.currency
    machine = f" (machine {known.machines:,.0f})" if known and known.machines else ""
    yield "once", f"{known.purchase:,.0f} {unit}{machine}" if known else "not known"
    yield "a month", f"{known.per_month:,.0f} {unit} ({known.kind})" if known else "not known"
    million = known.per_million_tokens if known else None
    yield "a million tokens", f"{cents(million)} {unit}" if million else "not known"


def _plan_rows(answer: Answer) -> Iterator[tuple[str, str]]:
    estimate = answer.verdict.winner.estimate if answer.verdict.winner else None
    speed = estimate.speed if estimate else None
    used = estimate.candidate if estimate else None
    yield "engine", engine_limits(answer.verdict.engine).title if used else "none"
    yield "weights", weights_format(used.weights_format).title if used else "-"
    yield "quality of weights", f"tier {weights_format(used.weights_format).quality_tier}" if used else "-"
    yield (
        "cards",
        f"{used.cards_in_all} of {answer.hardware.nodes * len(answer.hardware.accelerators)}" if used else "-",
    )
    total = speed.output_tokens_per_s if speed else None
    by = used.replicas if used else 1
    yield (
        f"{unit_of(answer.workload)} together",
        f"{count(total.expected * by)} ({count(total.low * by)}-{count(total.high * by)})" if total else "-",
    )
    asked = answer.workload
    yield "tokens/s each", count(1 / speed.tpot_s.expected) if speed and not asked.pooled else "-"
    yield f"one {asked.made}" if asked.pooled else "first token", ms(speed.ttft_s.expected) if speed else "-"


def _most(one: Compared) -> str:
    """What the plan carries, and what another on the same cards does beyond it."""
    verdict = one.answer.verdict
    users, flight = verdict.capacity_users, verdict.capacity_in_flight
    if users is None and flight is None:
        return "-"
    most = several(users, "user") if users is not None else f"{count(flight or 0)} in flight"
    if one.own is None or not one.own.other:
        return most
    return f"{count(one.own.most)} as planned, {most} as {one.own.other}"
