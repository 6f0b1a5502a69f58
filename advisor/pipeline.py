"""Read this first: the whole way from question to files, one line a stage.

probe() ──────── Hardware ─┐
load_workload() ─ Workload ┼─► propose() ─► estimate() ─► decide() ─► plan() ─► render()
find_model() ─── ModelSpec ┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.catalog import engine_limits
from advisor.plan import plan
from advisor.probe.network import with_nodes
from advisor.schema import Hardware, ModelSpec, Plan, RenderedFile, Verdict, Workload, value
from advisor.verdict import verdict_for
from advisor.workload import load_workload


@value
class Answer:
    """Everything that `recommend` found out."""

    hardware: Hardware
    workload: Workload
    model: ModelSpec
    model_because: str  # why this model, when none was named
    model_steps: tuple[str, ...]  # one step up and one step down
    verdict: Verdict
    plan: Plan | None


def recommend(
    *,
    profile: str | None,
    overrides: Mapping[str, Any],
    gpu: str | None = None,
    hardware_file: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Answer:
    """From profile, flags and machine to a verdict and a plan. Writes nothing.

    Args:
        profile: name or file of the workload profile; None for the default.
        overrides: workload keys given on the command line.
        gpu: cards to simulate instead of probing this machine, e.g. "2x RTX 4090".
        hardware_file: a recorded machine instead of this one.
        progress: told what is going on, for anything that may take over two seconds.

    Raises:
        BadInput: a profile, name or file that cannot be used.
    """
    workload = load_workload(profile, overrides)
    progress("looking at the hardware")
    hardware = with_nodes(find_hardware(gpu, hardware_file), workload)
    progress("judging engines and settings")
    model, because, steps, workload, verdict = _model_and_verdict(workload, hardware)
    if not verdict.meets_targets:
        from advisor.search.nearest import nearest_yes

        progress("looking for the nearest yes")
        verdict = replace(verdict, nearest_yes=nearest_yes(model, workload, hardware))
    made = plan(verdict, workload, hardware, model)
    if workload.engine == "both" and made is not None:
        made = replace(made, desk=desk_plan(model, workload, hardware))
    return Answer(
        hardware=hardware,
        workload=workload,
        model=model,
        model_because=because,
        model_steps=steps,
        verdict=verdict,
        plan=made,
    )


def find_hardware(gpu: str | None, hardware_file: Path | None) -> Hardware:
    """The machine in question: simulated, recorded, or the one we run on."""
    if gpu is not None:
        from advisor.probe.simulate import simulate

        return simulate(gpu)
    if hardware_file is not None:
        from advisor.wire import from_json_file

        return replace(from_json_file(Hardware, hardware_file), source="file")
    from advisor.probe import probe
    from advisor.probe.measure import with_kept

    return with_kept(probe())


def _model_and_verdict(
    workload: Workload, hardware: Hardware
) -> tuple[ModelSpec, str, tuple[str, ...], Workload, Verdict]:
    """The named model, or the most capable one that meets the targets; a format in its name counts as asked for."""
    if workload.model is not None:
        from advisor.models.names import find_model_and_format

        model, named = find_model_and_format(workload.model, offline=workload.offline)
        if named is not None and workload.quantization == "auto":
            workload = replace(workload, quantization=named.name)
        return model, "", (), workload, verdict_for(model, workload, hardware)
    from advisor.search.choose import choose_model

    choice = choose_model(workload, hardware)
    return choice.model, choice.because, choice.steps, workload, choice.verdict


def desk_plan(model: ModelSpec, workload: Workload, hardware: Hardware) -> Plan | None:
    """The same model for one person with the simplest engine, planned on the same machine."""
    from advisor.engines import ENGINES

    simplest = min(ENGINES, key=lambda name: engine_limits(name).simplicity)
    alone = replace(
        workload,
        engine=simplest,
        users=1,
        concurrency=1,
        request_rate=None,
        quantization="auto",
        production=False,
        exposed=False,
        parts="gateway",  # the same address, key and model name on both
    )
    hardware = replace(hardware, nodes=1)
    return plan(verdict_for(model, alone, hardware, depth=False), alone, hardware, model)


def files_of(made: Plan) -> tuple[RenderedFile, ...]:
    """Every file of the deployment folder, `plan.json` first."""
    from advisor.render import render
    from advisor.wire import to_json

    return (RenderedFile(path="plan.json", text=to_json(made)), *render(made))
