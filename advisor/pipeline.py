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
from advisor.catalog.age import Facts, facts_here
from advisor.engines.beside import with_reserve
from advisor.engines.own import beside_own_server
from advisor.errors import BadInput
from advisor.measured.store import measurements_from
from advisor.models.names import in_any_form
from advisor.models.stretch import as_it_reads
from advisor.models.thinking import with_room
from advisor.physics.memo import same
from advisor.plan import plan, with_own_checks
from advisor.probe.network import with_nodes
from advisor.schema import (
    Corrections,
    Hardware,
    ModelSpec,
    Plan,
    Question,
    RenderedFile,
    Verdict,
    Workload,
    value,
)
from advisor.search.option import Option
from advisor.verdict import verdict_for
from advisor.workload import load_workload, profile_names


@value
class Answer:
    """Everything that `recommend` found out."""

    hardware: Hardware
    workload: Workload
    model: ModelSpec
    verdict: Verdict
    plan: Plan | None
    model_because: str = ""  # why this model, when none was named
    model_steps: tuple[str, ...] = ()  # one step up, and what was left out
    facts: Facts | None = None  # of the catalogue; None: nobody looked which
    options: tuple[Option, ...] = ()  # the best models that meet the targets, when none was named


def recommend(
    *,
    profile: str | None,
    overrides: Mapping[str, Any],
    gpu: str | None = None,
    hardware_file: Path | None = None,
    machine: Hardware | None = None,
    measurements: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    others: bool = True,
    quick: bool = False,
) -> Answer:
    """From profile, flags and machine to a verdict and a plan. Writes nothing.

    Args:
        profile: name or file of the workload profile; None for the default.
        overrides: workload keys given on the command line.
        gpu: cards to simulate instead of probing this machine, e.g. "2x RTX 4090".
        hardware_file: a recorded machine instead of this one.
        machine: one that was looked at before, where neither cards nor a file are named.
        measurements: a file or folder of measurements, or "none"; None for what was measured on this machine.
        progress: told what is going on, for anything that may take over two seconds.
        others: where no model is named, also look for others that would do.
        quick: as for `advise`.

    Raises:
        BadInput: a profile, name or file that cannot be used.
    """
    facts = facts_here()
    model, workload = asked_of(profile, overrides)
    progress("looking at the hardware")
    named = gpu is not None or hardware_file is not None
    found = find_hardware(gpu, hardware_file) if named or machine is None else machine
    hardware = beside_own_server(with_nodes(found, workload), workload)
    return advise(workload, hardware, measurements_from(measurements), model, progress, facts, others, quick=quick)


def advise(
    workload: Workload,
    hardware: Hardware,
    measurements: Corrections,
    model: ModelSpec | None,
    progress: Callable[[str], None] = lambda _: None,
    facts: Facts | None = None,
    others: bool = True,
    *,
    quick: bool = False,
) -> Answer:
    """From what was read to a verdict and a plan: nothing but packaged data is looked up from here on.

    Args:
        model: None: the best scored one that meets the targets.
        facts: which catalogue is read, for the plan to keep.
        others: where the model is None, also look for others that would do.
        quick: leaves out what takes longest: how much load a named model's plan carries, and the nearest yes.
    """

    roomy, measured = same(with_reserve(hardware, workload)), same(measurements)

    def ask(about: ModelSpec) -> Question:
        asked = with_room(workload, about)
        return Question(model=about, workload=asked, hardware=roomy, measurements=measured)

    progress("judging engines and settings")
    if model is not None:
        question = ask(same(model))
        verdict = verdict_for(question, limits=not quick)
        other = _in_another_form(question) if _not_loaded(verdict) else question
        second = verdict if other is question else verdict_for(other, limits=not quick)
        asked, told = (question, verdict) if second.winner is None else (other, second)
        return _answer(asked, told, progress, facts, quick=quick)
    from advisor.search.choose import choose_model

    choice = choose_model(workload.task, ask, others=others)
    answer = _answer(choice.question, choice.verdict, progress, facts, quick=quick)
    return replace(answer, model_because=choice.because, model_steps=choice.steps, options=choice.options)


def _not_loaded(verdict: Verdict) -> bool:
    """Whether no engine loads the weights on such a machine at all, however much memory it had."""
    severities = {finding.severity for judged in verdict.losers for finding in judged.findings}
    return verdict.winner is None and "OOM" not in severities


def _in_another_form(question: Question) -> Question:
    """The same model in any form, where one repository of it was named; the answer says that it is another."""
    whole = in_any_form(question.model)
    if whole is None:
        return question
    implied = question.workload.quantization in question.model.repos
    workload = replace(question.workload, quantization="auto") if implied else question.workload
    return replace(question, model=whole, workload=workload)


def _answer(
    question: Question,
    verdict: Verdict,
    progress: Callable[[str], None],
    facts: Facts | None,
    *,
    quick: bool,
) -> Answer:
    """The verdict with what would turn a no into a yes, and the plan."""
    if not verdict.meets_targets and not quick:
        from advisor.search.nearest import nearest_yes

        progress("looking for the nearest yes")
        verdict = replace(verdict, nearest_yes=nearest_yes(question))
    return Answer(
        hardware=question.hardware,
        workload=question.workload,
        model=question.model,
        verdict=verdict,
        plan=_planned(verdict, question, facts),
        facts=facts,
    )


def find_hardware(gpu: str | None, hardware_file: Path | None) -> Hardware:
    """The machine in question: simulated, recorded, or the one we run on.

    Raises:
        BadInput: two machines are named, or one that cannot be used.
    """
    if gpu is not None and hardware_file is not None:
        raise BadInput(
            "--gpu and --hardware exclude each other: each names the machine to plan for", drop=("--hardware",)
        )
    if gpu is not None:
        from advisor.probe.simulate import simulate

        return simulate(gpu)
    if hardware_file is not None:
        from advisor.catalog.vendors import check_vendors
        from advisor.edge.filekinds import MACHINE, expected
        from advisor.edge.reading import is_file
        from advisor.folder.door import admit_hardware
        from advisor.probe.foreign import foreign
        from advisor.probe.vgpu import with_shares
        from advisor.wire import from_json_file

        found = foreign(hardware_file) if is_file(hardware_file) else None
        if found is None:
            with expected(MACHINE, hardware_file):
                found = from_json_file(Hardware, hardware_file)
        recorded = admit_hardware(found, str(hardware_file))
        check_vendors(recorded, str(hardware_file))
        return replace(with_shares(recorded), source="file")
    from advisor.measured.rates import with_kept_rates
    from advisor.probe import probe

    return with_kept_rates(probe())


def asked_of(profile: str | None, overrides: Mapping[str, Any]) -> tuple[ModelSpec | None, Workload]:
    """The model that was named, if one was, and the load: that of what the model makes, whatever profile was named.

    Raises:
        BadInput: a profile, key or model that cannot be used, or numbers that contradict each other.
    """
    model, workload = with_model(load_workload(profile, overrides))
    if model is not None:
        workload = as_it_makes(model, workload, overrides, profile)
        if overrides.get("context_tokens") is None and profile in (None, *profile_names()):
            workload = as_it_reads(workload, model)  # a profile of one's own says what one needs
    if workload.passages > 1 and workload.kind != "rerank":
        raise BadInput(
            f"passages: {workload.passages} are to be ranked, and {workload.profile} asks for no ranking; take "
            "--profile reranking, or a model that ranks"
        )
    return model, workload


def as_it_makes(
    model: ModelSpec, workload: Workload, overrides: Mapping[str, Any], profile: str | None = None
) -> Workload:
    """The load of a service of vectors or of rankings where the model makes such; else the one that was asked.

    Raises:
        BadInput: what the model makes and what is asked exclude each other.
    """
    other = _other_profile(model, workload)
    if other is None:
        return workload
    return with_model(load_workload(other, _load_of(workload, overrides, profile)))[1]


def with_model(workload: Workload) -> tuple[ModelSpec | None, Workload]:
    """The model that was named, if one was; a format in its name counts as asked for.

    Raises:
        BadInput: nothing is known of that name.
    """
    if workload.model is None:
        if workload.revision is not None:
            raise BadInput("revision: is of a repository; name it, --model OWNER/NAME")
        return None, workload
    from advisor.models.names import find_model_and_format
    from advisor.models.revision import at_revision

    model, implied = find_model_and_format(workload.model, offline=workload.offline)
    if implied is not None and workload.quantization == "auto":
        workload = replace(workload, quantization=implied.name)
    named, revision = at_revision(model, workload.model or "", workload.revision, offline=workload.offline)
    return named, replace(workload, revision=revision)


def _other_profile(model: ModelSpec, workload: Workload) -> str | None:
    """The profile of what the model makes, where another was asked for: it is planned as what it is.

    Raises:
        BadInput: scores of passages are asked of a model that gives none, or it scores something else.
    """
    from advisor.models.purpose import purpose, ranks
    from advisor.models.ranks import instead

    found = purpose(model)
    if found == "scores" and workload.kind != "rerank" and not ranks(model):
        raise BadInput(
            f"model {model.hf_id} classifies texts, which no profile plans; where it is one that scores passages "
            "against a question, say so: --profile reranking"
        )
    if found == "text" and workload.kind == "rerank":
        raise BadInput(f"model {model.hf_id} writes text and ranks nothing; type --model {instead()}")
    kind, profile = {"vectors": ("embed", "embedding"), "scores": ("rerank", "reranking")}.get(found, ("", None))
    return None if workload.kind == kind else profile


def _load_of(workload: Workload, overrides: Mapping[str, Any], profile: str | None) -> Mapping[str, Any]:
    """What was typed, and the load of the profile that was named where none was typed."""
    keys = ("staff", "users", "concurrency", "request_rate")
    if profile is None or any(overrides.get(key) is not None for key in keys):
        return overrides
    key = next(key for key in ("staff", "concurrency", "request_rate", "users") if getattr(workload, key) is not None)
    return {**overrides, key: getattr(workload, key)}


def _planned(verdict: Verdict, question: Question, facts: Facts | None) -> Plan | None:
    """The winner's plan with what it rests on, for `--engine both` with the one for the desk in it."""
    made = plan(verdict, question.workload, question.hardware, question.model)
    if made is None:
        return None
    stamp = facts.stamp if facts else None
    desk = desk_plan(question) if question.workload.engine == "both" else None
    return replace(made, catalog=stamp, desk=desk and replace(desk, catalog=stamp))


def desk_plan(question: Question) -> Plan | None:
    """The same model for one person with the simplest engine, planned on the same machine."""
    from advisor.engines import ENGINES

    workload = replace(
        question.workload,
        engine=min(ENGINES, key=lambda name: engine_limits(name).simplicity),
        users=1,
        concurrency=1,
        request_rate=None,
        quantization="auto",
        production=False,
        exposed=False,
        parts="gateway",  # the same address, key and model name on both
    )
    alone = replace(question, workload=workload, hardware=replace(question.hardware, nodes=1))
    return plan(verdict_for(alone, depth=False), workload, alone.hardware, alone.model)


def files_of(made: Plan) -> tuple[RenderedFile, ...]:
    """Every file of the deployment folder, `plan.json` first; the checklist is made anew from the plan's facts."""
    from advisor.render import render
    from advisor.wire import to_json

    made = with_own_checks(made)
    return (RenderedFile(path="plan.json", text=to_json(made)), *render(made))
