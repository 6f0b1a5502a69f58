"""What `compare` was given: each name is a saved plan, an engine, a weights format, cards or a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from advisor.catalog import engine_names, formats
from advisor.commands.failing import nearest
from advisor.decide.words import beside
from advisor.engines.beside import with_reserve
from advisor.errors import BadInput
from advisor.folder.saved import plan_in, read_plan
from advisor.measured.store import measurements_from
from advisor.models.names import find_model_and_format
from advisor.models.thinking import with_room
from advisor.pipeline import Answer, advise, as_it_makes, find_hardware, with_model
from advisor.probe.named import named
from advisor.probe.network import with_nodes
from advisor.probe.simulate import simulate
from advisor.report.compared import Compared, Own
from advisor.schema import Corrections, Hardware, ModelSpec, Plan, Question, Workload, value
from advisor.sizing.load import last_way, most_of, scale_of
from advisor.workload import load_workload

Kind = Literal["plan", "engine", "format", "card", "model"]
# Which kinds of items bring the value of an option with them.
_BROUGHT: Mapping[str, set[Kind]] = {
    "gpu": {"card", "plan"}, "hardware": {"card", "plan"}, "engine": {"engine", "plan"}, "model": {"model", "plan"},
    "quantization": {"format", "plan"}, "nodes": {"plan"},
}  # fmt: skip


@value
class Item:
    """One of the things that are compared: what it changes of the common question."""

    name: str
    kind: Kind
    plan: Plan | None = None


def read_item(name: str) -> Item:
    """What the name is.

    Raises:
        BadInput: nothing of that name is known; says what was looked for.
    """
    path = Path(name)
    if path.is_dir() or path.suffix == ".json":
        return Item(name=name, kind="plan", plan=plan_in(path) if path.is_dir() else read_plan(path))
    if name in engine_names():
        return Item(name=name, kind="engine")
    if name in formats():
        return Item(name=name, kind="format")
    return Item(name=name, kind=_card_or_model(name))


def _card_or_model(name: str) -> Kind:
    """A name with a slash or colon is a model's; else cards are looked up first."""
    reads: list[tuple[Kind, Callable[[str], object]]] = [("card", named), ("model", _model)]
    said, nears = [], list[str]()
    for kind, read in reversed(reads) if "/" in name or ":" in name else reads:
        try:
            read(name)
        except BadInput as error:
            said.append(f"{kind}: {str(error).splitlines()[0]}")
            nears += [error.near] if error.near else []
        else:
            return kind
    near = next(iter(nearest(name.lower(), (*engine_names(), *formats()))), None)
    hint = f"; did you mean {near}?" if near else ""
    told = (f"{name!r} is no plan, engine, weights format, card or model{hint}", *(() if near else said))
    raise BadInput("\n".join(told), near=near or next(iter(nears), None), seen=name)


def _model(name: str) -> ModelSpec:
    return find_model_and_format(name, offline=True)[0]


def compared(
    names: tuple[str, ...],
    *,
    profile: str | None,
    overrides: Mapping[str, Any],
    gpu: str | None,
    hardware_file: Path | None,
    measurements: str | None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Compared, ...]:
    """Each of them under the same load: that of the options, else that of the first plan.

    Raises:
        BadInput: fewer than two, a name that is nothing, or a question that cannot be asked.
    """
    if len(names) < 2:
        raise BadInput(
            f"compare: two or more are needed, saw {len(names)}; accepted are plans, cards, models, ...",
            near="advisor compare L40S H100",
        )
    items = [read_item(name) for name in names]
    _refuse_ignored({item.kind for item in items}, {**overrides, "gpu": gpu, "hardware": hardware_file})
    workload = _workload(items, profile, overrides)
    cards = all(item.kind in ("card", "plan") for item in items)
    machine = None if cards and gpu is None and hardware_file is None else find_hardware(gpu, hardware_file)
    kept = measurements_from(measurements)

    def answer(item: Item) -> Answer:
        progress(f"judging {item.name}")
        hardware, asked = _asked(item, machine, workload)
        model, asked = _served(item, asked, overrides)
        return advise(asked, with_nodes(hardware, asked), kept, model)

    found = ((item, answer(item)) for item in items)
    return tuple(Compared(name=item.name, kind=item.kind, answer=each, own=_own(each, kept)) for item, each in found)


def _own(answer: Answer, measurements: Corrections) -> Own | None:
    """What the plan carries by itself, and what it would take to carry all that the cards do."""
    verdict, load = answer.verdict, answer.workload
    whole = verdict.capacity_users if load.concurrency is None else verdict.capacity_in_flight
    if verdict.winner is None or not verdict.meets_targets or whole is None or load.request_rate is not None:
        return None
    planned = verdict.winner.estimate.candidate
    question = Question(
        model=answer.model,
        workload=load,
        hardware=with_reserve(answer.hardware, load),
        measurements=measurements,
    )
    most = most_of(planned, question, scale_of(load).planned)
    if most is None:
        return None
    return Own(most=most, other=beside(planned, last_way(question, whole, planned)) if most < whole else "")


def _refuse_ignored(kinds: set[Kind], given: Mapping[str, Any]) -> None:
    """Refuse what every item brings itself.

    Raises:
        BadInput: an option that none of the items would take.
    """
    for key, brought in _BROUGHT.items():
        if given.get(key) is not None and kinds <= brought:
            raise BadInput(
                f"--{key}: what is compared says it itself ({', '.join(sorted(kinds))}); leave one of the two"
            )


def _workload(items: list[Item], profile: str | None, overrides: Mapping[str, Any]) -> Workload:
    """The load of all: as given; that of the first plan, with what is given over it, where no profile is."""
    first = next((item.plan for item in items if item.plan is not None), None)
    if first is None or profile is not None:
        return load_workload(profile, overrides)
    given = {key: item for key, item in overrides.items() if item is not None}
    if "users" in given:
        given = {"concurrency": None, "request_rate": None} | given
    return replace(first.workload, **{"engine": "auto", "quantization": "auto", "nodes": None, **given})


def _asked(item: Item, machine: Hardware | None, workload: Workload) -> tuple[Hardware, Workload]:
    """The machine and the load with what the item changes."""
    if item.kind == "engine":
        workload = replace(workload, engine=item.name)
    if item.kind == "format":
        workload = replace(workload, quantization=item.name)
    if item.kind == "model":
        workload = replace(workload, model=item.name)
    if item.plan is not None:
        used = item.plan.estimate.candidate
        nodes = item.plan.hardware.nodes
        workload = replace(
            workload, engine=item.plan.engine, quantization=used.weights_format, nodes=nodes if nodes > 1 else None
        )
        return item.plan.hardware, workload
    hardware = simulate(item.name) if item.kind == "card" else machine
    if hardware is None:
        raise BadInput(f"{item.name!r}: on which machine? --gpu or --hardware names one")
    return hardware, workload


def _served(item: Item, workload: Workload, overrides: Mapping[str, Any]) -> tuple[ModelSpec | None, Workload]:
    """The plan's model, else the one that is named; None: the best that meets the targets."""
    if item.plan is not None:
        return item.plan.model, with_room(workload, item.plan.model)
    model, workload = with_model(workload)
    if model is None:
        return None, workload
    said = {key: getattr(workload, key) for key in ("model", "engine", "quantization")}
    return model, as_it_makes(model, workload, {**overrides, **said}, workload.profile)
