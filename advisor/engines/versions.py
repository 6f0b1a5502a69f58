"""Which version of an engine is planned: the one that was asked for, else the one that is here, else the pinned one.

A version that is here and cannot do it is not a reason for a no: the pinned one is planned then, and it is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from advisor.catalog import engine_limits, engine_names
from advisor.catalog.versions import Facts, facts, gguf_architecture, known_versions, order, plain, released
from advisor.engines.own import wants_own_server
from advisor.errors import BadInput
from advisor.schema import Hardware, ModelSpec, Plan, RunningEngine, Setting, Workload, value

PINNED = "pinned"
Origin = Literal["pinned", "asked", "installed", "running"]


@value
class Choice:
    """The version to plan with, and what came before it."""

    version: str
    origin: Origin = "pinned"
    found: str = ""  # the version that is here or was asked for, where there is one
    lacks: tuple[str, ...] = ()  # what that one cannot do of what is planned


def read_versions(text: str | None) -> Mapping[str, str]:
    """`"vllm=0.19.0, ollama=pinned"` → engine → version.

    Raises:
        BadInput: another form, an engine that is not known, or no version.
    """
    pairs = [part.strip().partition("=") for part in (text or "").split(",") if part.strip()]
    for name, equals, version in pairs:
        if name.strip() not in engine_names() or not equals or not _is_version(version.strip()):
            said = ", ".join(f"{engine}=VERSION" for engine in engine_names())
            raise BadInput(f"engine_version: {name}{equals}{version} is none of {said}, with a version such as 0.19.0")
    return {name.strip(): version.strip() for name, _, version in pairs}


def nearest_version(text: str) -> str:
    """The engine that looks most like the one that was written, with that version, else with the pinned one."""
    name, _, version = text.split(",")[0].strip().rpartition("=")
    engine = next(iter(difflib.get_close_matches(name.lower(), engine_names(), n=1)), engine_names()[-1])
    return f"{engine}={version if _is_version(version) and version != PINNED else engine_limits(engine).version}"


def _is_version(text: str) -> bool:
    return text == PINNED or order(text) is not None


def choose(engine: str, hardware: Hardware, workload: Workload, model: ModelSpec) -> Choice:
    """The version of that engine for this model on this machine."""
    pinned = engine_limits(engine).version
    asked = read_versions(workload.engine_version).get(engine)
    if asked is not None:
        version = pinned if asked == PINNED else plain(asked)
        return Choice(
            version=version, origin="asked", found=asked, lacks=tuple(lacking(engine, version, workload, model))
        )
    origin, here = _here(engine, hardware, workload)
    if here is None:
        return Choice(version=pinned)
    version = plain(here)
    lacks = tuple(lacking(engine, version, workload, model))
    return Choice(version=pinned if lacks else version, origin=origin, found=here, lacks=lacks)


def version_of(engine: str, hardware: Hardware, workload: Workload, model: ModelSpec) -> str:
    """The version that is planned."""
    return choose(engine, hardware, workload, model).version


def server_in_use(engine: str, hardware: Hardware, workload: Workload) -> RunningEngine | None:
    """The server that answers here and is given its model while it runs; None: the plan starts one of its own."""
    if wants_own_server(workload) or "takes_models" not in engine_limits(engine).features:
        return None
    return next((each for each in hardware.running if each.engine == engine), None)


def _here(engine: str, hardware: Hardware, workload: Workload) -> tuple[Origin, str | None]:
    server = server_in_use(engine, hardware, workload)
    if server is not None and server.version and _is_version(server.version):
        return "running", server.version
    for each in hardware.engines:
        if each.engine == engine and each.found_in != "image" and each.version and _is_version(each.version):
            return "installed", each.version
    return "pinned", None


def lacking(engine: str, version: str, workload: Workload, model: ModelSpec) -> Iterator[str]:
    """What this version cannot do of what is asked, as far as facts tell."""
    if version == engine_limits(engine).version:
        return  # what the pinned version cannot do, its own rules say
    title, found = engine_limits(engine).title, facts(engine, version)
    if found.place == "older":
        yield f"what {title} {version} accepts is not known; the oldest that is known is {known_versions(engine)[0]}"
    for name in _architectures(engine, model):
        if found.architectures is not None and name not in found.architectures and _pinned_has(engine, name):
            yield f"{title} {version} does not load {model.architecture} ({model.hf_id})"
    called = model.tool_parser if workload.tools else None
    parsers = {"tool_parsers": called, "reasoning_parsers": model.reasoning_parser}
    for kind, parser in parsers.items():
        names = getattr(found, kind)
        if parser and names is not None and parser not in names:
            yield f"{title} {version} has no {kind[:-1].replace('_', ' ')} {parser}, which {model.hf_id} needs"


def _architectures(engine: str, model: ModelSpec) -> Iterable[str]:
    """The name under which the engine's registry holds the model: that of config.json, or of its GGUF file."""
    if "gguf" not in engine_limits(engine).weight_kinds:
        return (model.architecture,) if model.architecture else ()
    name = gguf_architecture(model.architecture) or (model.model_type if model.origin == "gguf" else None)
    return (name,) if name else ()


def _pinned_has(engine: str, architecture: str) -> bool:
    known = facts(engine, engine_limits(engine).version).architectures
    return known is None or architecture in known


def lowest_that_does(
    engine: str, workload: Workload, model: ModelSpec, settings: tuple[Setting, ...] = ()
) -> str | None:
    """The lowest known version that loads the model and accepts every setting; None: no known one does."""
    for version in known_versions(engine):
        refused = [each for each in settings if not accepts(facts(engine, version), engine, each)]
        if not refused and not list(lacking(engine, version, workload, model)):
            return version
    return None


def accepts(found: Facts, engine: str, setting: Setting) -> bool:
    """Whether a version takes the setting; names that its lists never hold (other programs' variables) are taken."""
    pinned = facts(engine, engine_limits(engine).version).settings.get(setting.kind, frozenset())
    if setting.name in pinned and setting.name not in found.settings.get(setting.kind, frozenset()):
        return False
    choices = found.choices.get(setting.name)
    return choices is None or setting.value is None or setting.value in choices


def within(engine: str, version: str, settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """The settings that this version accepts; rule OPS427 refuses a candidate that cannot go without the others."""
    if version == engine_limits(engine).version:
        return tuple(settings)
    found = facts(engine, version)
    return tuple(each for each in settings if accepts(found, engine, each))


def image_version(engine: str, version: str) -> str:
    """The version of the image: a build of somebody's own has none, the release below it has."""
    return version if released(version) else facts(engine, version).known[0]


def floor(plan: Plan) -> str:
    """The lowest version that would start this plan: at most the planned one."""
    lowest = lowest_that_does(plan.engine, plan.workload, plan.model, plan.settings)
    planned = plan.engine_version
    return min((each for each in (lowest, planned) if each), key=lambda version: order(version) or ())
