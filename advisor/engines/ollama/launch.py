"""How Ollama is started: image, environment, Modelfile, and the patience that start and stop need."""

from __future__ import annotations

import math

from advisor.catalog import weights_format
from advisor.catalog.vendors import build_for
from advisor.engines.builds import build
from advisor.engines.containers import (
    ANYONE,
    HARDENED,
    Container,
    Mount,
    gpu_fields,
    inner_environment,
    local_mount,
)
from advisor.engines.deployment import Command
from advisor.engines.devices import cards_of
from advisor.engines.host_memory import limit_bytes
from advisor.engines.naming import served_name
from advisor.engines.ollama.server import port_of
from advisor.engines.ollama.settings import BIND
from advisor.engines.versions import image_version, server_in_use, version_of
from advisor.physics.memory.weights import file_bytes
from advisor.quoting import modelfile as quoted
from advisor.schema import Estimate, Hardware, Launch, ModelSpec, Plan, Setting, Workload
from advisor.units import GIB

CPU_IMAGE = "ollama/ollama:{version}"  # no leading v
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
    workload: Workload,
    model: ModelSpec,
) -> Launch:
    """`ollama serve` takes no arguments: all is in the environment and in the Modelfile."""
    cards = cards_of(estimate.candidate, hardware)
    found = build_for(cards[0], "ollama") if cards else None
    version = version_of("ollama", hardware, workload, model)
    size = round(file_bytes(model, weights_format(estimate.candidate.weights_format)))
    return Launch(
        image=(found.image if found else CPU_IMAGE).format(version=image_version("ollama", version)),
        variant=found.backend if found else "cpu",
        argv=(),
        program=("ollama", "serve"),
        env={s.name: s.value for s in settings if s.kind == "env" and s.value is not None},
        port=port_of(hardware, workload),
        bind=BIND,
        model_ref=estimate.candidate.model_ref,
        served_name=served_name(model),
        health_path="/api/version",
        startup_s=60 * math.ceil((SERVER_S + size / DISK_BYTES_PER_S) / 60),
        drain_s=0,
        modelfile=modelfile_text(settings),
        cache_bytes=size,
        server="running" if server_in_use("ollama", hardware, workload) else "own",
    )


def modelfile_text(settings: tuple[Setting, ...]) -> str:
    """The lines of the Modelfile, each value quoted."""
    rows = [f"{s.name} {quoted(s.value or '')}\n" for s in settings if s.kind == "modelfile"]
    return "".join(rows)


def container(plan: Plan) -> Container:
    """The same launch inside the image, whose entrypoint is `ollama serve`. It holds no curl and no wget."""
    start, found = plan.launch, build(plan)
    kernels = tuple(Mount(source=name, target=path) for name, path in found.kernel_caches.items()) if found else ()
    return Container(
        image=start.image,
        argv=(),
        env=inner_environment(plan, one_replica(plan, ANYONE).env),
        health=("CMD", "ollama", "list"),
        mounts=(STORE, *kernels),
        prepare_mounts=local_mount(plan.model.path if plan.model.origin == "gguf" else None),
        start_period_s=SERVER_S,
        grace_s=STOP_S,
        read_only=not (found and found.writable),
        scratch=("/tmp",),  # noqa: S108 - inside the container
        security_options=(*HARDENED, *(found.security_options if found else ())),
        added_capabilities=found.capabilities if found else (),
        memory_limit_bytes=limit_bytes(plan, 0, PROMPT_CACHE_BYTES),
        **gpu_fields(plan),  # type: ignore[arg-type]
    )


def one_replica(plan: Plan, host: str) -> Command:
    """Every Ollama is one replica; the address is a variable."""
    return Command(argv=plan.launch.argv, env={**plan.launch.env, "OLLAMA_HOST": f"{host}:{plan.launch.port}"})
