"""The options of `size` that say what can be had, and on which terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from advisor.commands.accepting import Of, one_of
from advisor.commands.completing import CardNames
from advisor.schema import MOST_A_HOST
from advisor.workload.kinds import Number, Whole

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--can-get",
        metavar="CARDS",
        type=CardNames(),
        help='Only these, e.g. "RTX 4090, 2x L40S, H100" (a number: at most so many).',
    ),
    click.option(
        "--have",
        metavar="CARDS",
        type=CardNames(),
        help='Cards that are there already, e.g. "2x RTX 3090": they cost power only.',
    ),
    click.option(
        "--budget",
        metavar="MONEY",
        help="The most to spend: 10000EUR for a purchase, 500EUR/month for what a month costs.",
    ),
    click.option(
        "--max-watts",
        metavar="W",
        type=Of(Number(least=1, most=10_000_000)),
        help="The most that all cards together may draw.",
    ),
    click.option(
        "--max-cards-per-host",
        type=Of(Whole(least=1, most=MOST_A_HOST)),
        default=MOST_A_HOST,
        show_default=True,
        help="Cards in one machine.",
    ),
    click.option(
        "--spare",
        type=Of(Whole(least=0, most=8)),
        default=0,
        show_default=True,
        help="Machines that may be down while the targets hold.",
    ),
    click.option(
        "--pay",
        type=one_of("any", "new", "used", "rent"),
        default="any",
        show_default=True,
        help="How cards are come by.",
    ),
    click.option(
        "--price",
        metavar="CARD=MONEY",
        multiple=True,
        help='A price of yours: "L40S=0.9/h", "RTX 3090=700EUR"; may be repeated.',
    ),
    click.option(
        "--kwh",
        metavar="MONEY",
        help="Electricity, e.g. 0.30EUR [default: the world's average for a business].",
    ),
    click.option(
        "--pue",
        type=Of(Number(least=1, most=5)),
        default=1.0,
        show_default=True,
        help="Power of the room over that of the machines.",
    ),
    click.option(
        "--years",
        type=Of(Number(least=0.1, most=20)),
        default=3.0,
        show_default=True,
        help="That a purchase is used for.",
    ),
    click.option(
        "--resale",
        type=Of(Number(least=0, most=1)),
        default=0.0,
        show_default=True,
        help="Share of the price that is got back then, 0 to 1.",
    ),
    click.option(
        "--idle-watts",
        type=Of(Number(least=0, most=2000)),
        default=0.0,
        help="Of a card outside the hours under load, model loaded [default: switched off].",
    ),
    click.option(
        "--host-price",
        metavar="MONEY",
        help="Of a machine without its cards; 0: not counted [default: by the cards that it takes, as shipped].",
    ),
    click.option(
        "--host-watts",
        type=Of(Number(least=0, most=20000)),
        help="Power of the same [default: by the cards that it takes, as shipped].",
    ),
    click.option(
        "--ops-hours",
        type=Of(Number(least=0.1, most=24)),
        default=24.0,
        show_default=True,
        help="Hours a day under load; what is rented is given back in the others.",
    ),
    click.option(
        "--currency",
        default="USD",
        show_default=True,
        help="That everything is told in.",
    ),
    click.option(
        "--exchange",
        metavar="RATES",
        help='Today\'s, one euro in others: "USD=1.16, GBP=0.87" [default: shipped, with their date].',
    ),
    click.option(
        "--api-in",
        metavar="MONEY",
        help="A hosted API for a million tokens read: break-even is told.",
    ),
    click.option(
        "--api-out",
        metavar="MONEY",
        help="The same for a million tokens written.",
    ),
    click.option(
        "--base",
        metavar="N",
        type=Of(Whole(least=1, most=1_000_000)),
        help="The load outside the peak: own machines for it and the API above it, beside machines for all.",
    ),
    click.option(
        "--peak-hours",
        type=Of(Number(least=0.1, most=24)),
        default=4.0,
        show_default=True,
        help="Hours a day in which the whole load comes, with --base.",
    ),
    click.option(
        "--tokens-a-month",
        metavar="N",
        help="Read and written, e.g. 500M [default: what the load makes in its hours].",
    ),
    click.option(
        "--growth",
        type=Of(Number(least=0, most=1000)),
        default=0.0,
        help="Percent more load a month: when the next card is needed.",
    ),
)


def cost_options(function: F) -> F:
    """Add every option that says what can be had and what it costs."""
    for each in reversed(_OPTIONS):
        function = each(function)
    return function


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """What was typed of them, taken out of all that was."""
    names = (param.name for param in _probe.params)
    return {name: options.pop(name) for name in names if name}


@click.command()
@cost_options
def _probe(**_: Any) -> None:
    """Never run: click says here how it calls each option."""
