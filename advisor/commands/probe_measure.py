"""`advisor probe --measure`: the processor, then the engine that is here; what is whole is kept for the next advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from advisor.benchmark.here import Chosen
    from advisor.measured.entries import Measurement
    from advisor.physics.speed.tuning import Tuning
    from advisor.schema import Hardware, Plan

LEAST_S, MOST_S = 20.0, 3600.0


def measure_processor(hardware: Hardware) -> Hardware:
    """The machine with bandwidth and rates as they really are.

    Raises:
        BadInput: it is only described.
    """
    from advisor.errors import BadInput
    from advisor.measured.rates import keep_rates, with_kept_rates
    from advisor.probe.measure import measure

    if hardware.source != "probed":
        raise BadInput("--measure and --gpu exclude each other: only this machine can be measured", drop=("--gpu",))
    click.echo("measuring memory bandwidth and matrix rate ...", err=True)
    rates = measure(hardware.cpu)
    click.echo(f"{rates.method}; kept in {keep_rates(hardware, rates)}", err=True)
    return with_kept_rates(hardware)


def measure_engine(hardware: Hardware, engine: str | None, models: tuple[str, ...], budget_s: float, yes: bool) -> None:
    """Run the short benchmark of each model, keep what is whole, and say what it comes to.

    Raises:
        EnvironmentFailed: no engine is here, it did not start, or nothing was measured.
    """
    from advisor.benchmark.here import choose
    from advisor.benchmark.planned import planned
    from advisor.benchmark.run import benchmark
    from advisor.measured.store import keep
    from advisor.smoke.display import Screen

    def kept(found: Measurement) -> None:
        click.echo(f"{len(found.loads)} loads kept in {keep(found)}", err=True)

    chosen = choose(hardware, engine, models)
    plans = [planned(one) for one in chosen]
    for one, plan in zip(chosen, plans, strict=True):
        _allowed(one, plan, yes)
    for plan in plans:
        part_s = budget_s / len(plans)
        click.echo(f"measuring {plan.engine} with {plan.model.hf_id}, {part_s:.0f} s of load ...", err=True)
        benchmark(plan, part_s, Screen(), kept)
    _tell(hardware, plans[0])


def _allowed(chosen: Chosen, plan: Plan, yes: bool) -> None:
    """Ask before anything is downloaded."""
    from advisor.errors import EnvironmentFailed
    from advisor.units import gb

    size = plan.launch.cache_bytes
    if chosen.here or yes or not size:
        return
    if not click.confirm(f"{chosen.engine} has no {chosen.model} yet: download {gb(size)}?", err=True):
        raise EnvironmentFailed("no model to measure with: name one that is here with --model, or allow it with --yes")


def _tell(hardware: Hardware, plan: Plan) -> None:
    """The constants of this machine over those of the catalogue."""
    from advisor.measured.machine import tuned_for
    from advisor.measured.store import kept_here

    tuned = tuned_for(kept_here().of(hardware), hardware, plan.estimate.candidate)
    if tuned is not None:
        click.echo(f'{words(tuned.tuning)}; predictions for this machine use it, basis "measured here"', err=True)


def words(tuning: Tuning) -> str:
    """The factors for a person, as speed where more is better."""
    return (
        f"of what was estimated, this machine reaches {1 / tuning.reading:.0%} in reading weights, "
        f"{1 / tuning.multiplying:.0%} in the products of a batch, {1 / tuning.prefill:.0%} in those of a prompt; "
        f"a step's overhead is {tuning.overhead:.2f} times, that of a request {tuning.request:.2f} times as long"
    )
