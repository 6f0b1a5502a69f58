"""How Ollama is started: image, environment, Modelfile, and the patience that start and stop need."""

from __future__ import annotations

import math
from typing import Literal

from advisor.catalog import engine_limits, weights_format
from advisor.engines.containers import (
    ANYONE,
    Container,
    Mount,
    gpu_fields,
    local_mount,
    without,
)
from advisor.engines.deployment import Command
from advisor.engines.devices import cards_of
from advisor.engines.host_memory import limit_bytes
from advisor.engines.naming import served_name
from advisor.engines.ollama.settings import BIND, PORT, VISIBLE
from advisor.physics.memory.weights import file_bytes
from advisor.quoting import modelfile as quoted
from advisor.schema import Estimate, Hardware, Launch, ModelSpec, Plan, Setting, Workload
from advisor.units import GIB

Variant = Literal["cuda", "rocm", "cpu", "metal", "xpu", "vulkan"]

VARIANTS: dict[str, Variant] = {"nvidia": "cuda", "amd": "rocm", "intel": "vulkan", "apple": "metal"}
SERVER_S = 60  # the server itself is up in seconds
DISK_BYTES_PER_S = 200e6  # a slow SSD; only patience
PROMPT_CACHE_BYTES = 8 * GIB  # llama-server's own limit a model
STORE = Mount(
    source="models",
    target="/root/.ollama",
    variable="ADVISOR_MODELS",
    native_variable="OLLAMA_MODELS",
    native_folder=".ollama/models",
)
STOP_S = 15  # SIGTERM cuts requests at once: there is nothing to wait for


def launch(
    estimate: Estimate,
    settings: tuple[Setting, ...],
    hardware: Hardware,
    workload: Workload,  # noqa: ARG001 - every engine takes the same arguments
    model: ModelSpec,
) -> Launch:
    """`ollama serve` takes no arguments: all is in the environment and in the Modelfile."""
    cards = cards_of(estimate.candidate, hardware)
    variant: Variant = VARIANTS.get(cards[0].vendor, "vulkan") if cards else "cpu"
    size = round(file_bytes(model, weights_format(estimate.candidate.weights_format)))
    return Launch(
        image=image(variant),
        variant=variant,
        argv=(),
        program=("ollama", "serve"),
        env={s.name: s.value for s in settings if s.kind == "env" and s.value is not None},
        port=PORT,
        bind=BIND,
        model_ref=estimate.candidate.model_ref,
        served_name=served_name(model),
        health_path="/api/version",
        startup_s=60 * math.ceil((SERVER_S + size / DISK_BYTES_PER_S) / 60),
        drain_s=0,
        modelfile=modelfile_text(settings),
        cache_bytes=size,
    )


def image(variant: Variant) -> str:
    """The pinned image: no leading v; AMD has a tag of its own."""
    return f"ollama/ollama:{engine_limits('ollama').version}" + ("-rocm" if variant == "rocm" else "")


def modelfile_text(settings: tuple[Setting, ...]) -> str:
    """The lines of the Modelfile, each value quoted."""
    rows = [f"{s.name} {quoted(s.value or '')}\n" for s in settings if s.kind == "modelfile"]
    return "".join(rows)


def container(plan: Plan) -> Container:
    """The same launch inside the image, whose entrypoint is `ollama serve`. It holds no curl and no wget."""
    start = plan.launch
    renumbered = () if start.variant == "rocm" else tuple(VISIBLE.values())
    # CUDA compiles kernels for the newest cards at the first load and keeps them there.
    kernels = (Mount(source="cuda-cache", target="/root/.nv"),) if start.variant == "cuda" else ()
    return Container(
        image=start.image,
        argv=(),
        env=without(one_replica(plan, ANYONE).env, renumbered),
        from_dotenv=(),
        health=("CMD", "ollama", "list"),
        mounts=(STORE, *kernels),
        prepare_mounts=local_mount(plan.model.path if plan.model.origin == "gguf" else None),
        start_period_s=SERVER_S,
        grace_s=STOP_S,
        read_only=True,
        scratch=("/tmp",),  # noqa: S108 - inside the container
        memory_limit_bytes=limit_bytes(plan, 0, PROMPT_CACHE_BYTES),
        **gpu_fields(plan),  # type: ignore[arg-type]
    )


def one_replica(plan: Plan, host: str) -> Command:
    """Every Ollama is one replica; the address is a variable."""
    return Command(argv=plan.launch.argv, env={**plan.launch.env, "OLLAMA_HOST": f"{host}:{plan.launch.port}"})
