"""How vLLM is started: image, arguments, environment, and the patience that start and stop need."""

from __future__ import annotations

import math

from advisor.catalog.vendor_parts import Build
from advisor.catalog.vendors import build_for
from advisor.engines.admission import drain_s
from advisor.engines.builds import build
from advisor.engines.containers import (
    ANYONE,
    HARDENED,
    Container,
    Mount,
    gpu_fields,
    inner_environment,
    model_mounts,
    with_values,
)
from advisor.engines.deployment import Command
from advisor.engines.devices import cards_of
from advisor.engines.host_memory import limit_bytes
from advisor.engines.naming import served_name, slug
from advisor.engines.versions import image_version, version_of
from advisor.engines.vllm.needs import CHAT_TEMPLATE, EXAMPLES
from advisor.engines.vllm.patience import download_bytes, startup_s
from advisor.engines.vllm.rows import POSITIONAL
from advisor.engines.vllm.service import BIND, PORT
from advisor.models.access import is_gated
from advisor.schema import Estimate, Hardware, Launch, ModelSpec, Plan, Setting, Workload
from advisor.units import GIB

NAMES = "--served-model-name"  # takes several, with blanks between them
STOP_SPARE_S = 15  # beyond the drain, before the container engine kills
CPU_PLATFORMS = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
# Compiled kernels must be allowed to run from there; the compile cache itself is a volume.
SCRATCH = ("/tmp:exec", "/root/.triton:exec", "/root/.nv:exec", "/root/.config")  # noqa: S108 - inside the container
PIDS_LIMIT = 8192  # a worker a card, each with a thread a core and more


def image(found: Build | None, architecture: str, version: str) -> str:
    """The image of a vendor's build; the one for a CPU where there is none."""
    if found is None:
        return f"vllm/vllm-openai-cpu:v{version}-{CPU_PLATFORMS.get(architecture, 'x86_64')}"
    return found.image.format(version=version)


def launch(
    estimate: Estimate,
    settings: tuple[Setting, ...],
    hardware: Hardware,
    workload: Workload,
    model: ModelSpec,
) -> Launch:
    """`vllm serve MODEL flags`: the model comes first, a switch has no value, secrets come from .env."""
    cards = cards_of(estimate.candidate, hardware)
    found = build_for(cards[0], "vllm") if cards else None
    version = version_of("vllm", hardware, workload, model)
    return Launch(
        image=image(found, hardware.cpu.architecture, image_version("vllm", version)),
        variant=found.backend if found else "cpu",
        argv=arguments(settings),
        program=("vllm", "serve"),
        env={s.name: s.value for s in settings if s.kind == "env" and s.value is not None},
        port=PORT,
        bind=BIND,
        model_ref=estimate.candidate.model_ref,
        served_name=slug(model.adapters[0].name) if model.adapters else served_name(model),
        health_path="/health",
        startup_s=startup_s(estimate, model),
        drain_s=drain_s(estimate, workload, model),
        needs_token=is_gated(model, estimate.candidate.model_ref) and not workload.air_gapped,
        cache_bytes=download_bytes(estimate, model),
    )


def arguments(settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """The argument list: one word a flag, one word its value or each of its names, the model first."""
    words: list[str] = []
    for setting in settings:
        if setting.kind != "flag":
            continue
        if setting.name == POSITIONAL:
            words.insert(0, setting.value or "")
        elif setting.name == NAMES:
            words.extend([setting.name, *(setting.value or "").split()])
        else:
            words.extend([setting.name] if setting.value is None else [setting.name, setting.value])
    return tuple(words)


def container(plan: Plan) -> Container:
    """The same launch inside the image, whose entrypoint is `vllm serve`."""
    start, found = plan.launch, build(plan)
    read_only = not (found and found.writable)
    shared = 16 if found else 4
    # On a CPU the right to place memory on NUMA nodes.
    on_nodes = ("SYS_NICE",) if found is None and plan.hardware.cpu.numa_nodes > 1 else ()
    return Container(
        image=start.image,
        argv=with_values(start.argv, {"--host": ANYONE, **_in_the_image(start.argv, found)}),
        env=inner_environment(plan, start.env),
        health=(
            "CMD",
            "curl",
            "-fsS",
            "-o",
            "/dev/null",
            f"http://127.0.0.1:{start.port}{start.health_path}",
        ),
        mounts=(
            Mount(
                source="huggingface",
                target="/root/.cache/huggingface",
                variable="ADVISOR_MODELS",
                native_variable="HF_HOME",
                native_folder=".cache/huggingface",
            ),
            Mount(source="vllm-cache", target="/root/.cache" if read_only else "/root/.cache/vllm"),
            *model_mounts(plan.model),
        ),
        shared_memory=f"{shared}g",
        read_only=read_only,
        scratch=SCRATCH if read_only else (),
        memory_limit_bytes=limit_bytes(plan, shared * GIB, 0),
        pids_limit=PIDS_LIMIT,
        start_period_s=start.startup_s,
        grace_s=start.drain_s + STOP_SPARE_S,
        security_options=(*HARDENED, *(found.security_options if found else ())),
        added_capabilities=found.capabilities if found else on_nodes,
        **gpu_fields(plan),  # type: ignore[arg-type]
    )


def _in_the_image(argv: tuple[str, ...], found: Build | None) -> dict[str, str]:
    """Where the image keeps the example file that the arguments name; a file of one's own stays where it is."""
    name = argv[argv.index(CHAT_TEMPLATE) + 1] if CHAT_TEMPLATE in argv else ""
    if found is None or found.examples is None or not name.startswith(EXAMPLES):
        return {}
    return {CHAT_TEMPLATE: found.examples + name.removeprefix(EXAMPLES)}


def one_replica(plan: Plan, host: str) -> Command:
    """Without the replicas that share a port, and with one replica's part of the queue."""
    argv, together = plan.launch.argv, plan.estimate.candidate.replicas_of_server
    if "--data-parallel-size" in argv:
        position = argv.index("--data-parallel-size")
        argv = argv[:position] + argv[position + 2 :]
    changed = {"--host": host}
    if together > 1 and "--max-num-queued-reqs" in argv:
        limit = int(argv[argv.index("--max-num-queued-reqs") + 1])
        changed["--max-num-queued-reqs"] = str(math.ceil(limit / together))
    return Command(argv=with_values(argv, changed), env=plan.launch.env)
