"""A third engine on one page: plain weights from the Hub on one card, as many at once as its memory holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from advisor.catalog import engine_limits, weights_format
from advisor.catalog.entries import EngineLimits, WeightsFormat
from advisor.catalog.vendor_parts import Build
from advisor.engines.asking import Server
from advisor.engines.base import May, Placement, anything
from advisor.engines.containers import Container, Mount, gpu_fields, with_values
from advisor.engines.deployment import Chart, Command, OnRay, Pod, Preparation, Supplies
from advisor.engines.devices import cards_of
from advisor.engines.looking import Reader, Reading
from advisor.engines.naming import served_name
from advisor.engines.observing import Effective, Observer, asked, listens
from advisor.engines.ready import Ready, Unsupported, Wanted
from advisor.physics.memory.kv import kv_bytes_per_token
from advisor.physics.memory.weights import weight_bytes
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.setup import prepare
from advisor.physics.speed.step import Rates, step_model
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.schema import (
    Candidate,
    Check,
    Estimate,
    Figure,
    Hardware,
    Launch,
    Load,
    Memory,
    ModelSpec,
    Plan,
    RunningEngine,
    Setting,
    Speed,
    Workload,
)  # fmt: skip

NAME, PORT, SHARE, SLOTS = "stub", 8123, 0.9, 256
# Its build at a vendor in catalog/data/vendors.yaml, its entry in engines.yaml, the list behind `settings`, and what it exports (metrics.yaml).
BUILD = Build(backend="cuda", image="stub/stub:{version}")
ENTRY = {
    "name": NAME, "title": "Stub", "version": "1.0", "simplicity": 3, "platforms": ["linux/x86_64"],
    "min_cuda_capability": "5.0", "min_nvidia_driver": "500", "gfx_targets": [],
    "cpu": False, "weight_kinds": ["plain"], "tensor_parallel": False, "settings": {"flag": "stub-flags"},
    "store_variables": ["STUB_MODELS"], "store_folders": ["~/.stub"],
    "features": ["metrics", "drain", "api_key", "tool_choice", "structured_output", "hub", "tools"],
    "source": "engines-api",
}  # fmt: skip
FLAGS = ("--port", "--host", "--served-model-name", "--max-num-seqs", "--max-model-len", "--knob")
ENTRIES = tuple({"flags": [flag], "type": "word"} for flag in FLAGS)


def limits() -> EngineLimits:
    """What it accepts."""
    return engine_limits(NAME)


def propose(hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
    """The first card, and the checkpoint as published."""
    return tuple(
        Candidate(
            engine=NAME, model_ref=model.hf_id, weights_format=model.native_format, kv_cache_dtype="auto", device="gpu",
            gpu_indices=(card.index,), context_tokens=workload.context_tokens, max_in_flight=SLOTS,
            max_batched_tokens=2048,
        )
        for card in hardware.accelerators[:1]
    )  # fmt: skip


def levers(hardware: Hardware, workload: Workload, model: ModelSpec, may: May = anything) -> tuple[Candidate, ...]:
    """Nothing beside what is proposed."""
    return ()


def resize(candidate: Candidate, in_flight: float, hardware: Hardware, model: ModelSpec) -> Candidate:
    """A slot for each request."""
    return replace(candidate, max_in_flight=max(round(in_flight), 1))


def as_installed(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
    """Four slots."""
    return replace(candidate, max_in_flight=4)


def memory(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Memory:
    """Weights, and all the rest for the KV cache."""
    device = cards_of(candidate, hardware)[0].memory_bytes
    weights = weight_bytes(model, weights_format(candidate.weights_format)).total_bytes
    a_token, room = kv_bytes_per_token(model, 2.0), round(SHARE * device) - round(weights)
    return Memory(
        device_bytes=device, budget_bytes=round(SHARE * device), weights_bytes=round(weights), kv_bytes=max(room, 0),
        activation_bytes=0, overhead_bytes=0, kv_bytes_per_token=a_token, kv_tokens=max(int(room / a_token), 0),
        full_sequences=max(room, 0) / a_token / candidate.context_tokens, fits=room > 0, short_bytes=max(-room, 0),
        basis="analytic", source="speed-physics",
    )  # fmt: skip


def speed(
    candidate: Candidate,
    memory: Memory,
    hardware: Hardware,
    model: ModelSpec,
    load: Load,
    tuning: Tuning = AS_FITTED,
) -> Speed | None:
    """Nobody slows anybody down: each gets what the weights' bandwidth gives one."""
    step = memory.weights_bytes / (cards_of(candidate, hardware)[0].bandwidth_bytes_per_s or 1.0)
    running = min(load.in_flight, candidate.max_in_flight)
    ttft, tpot, rate = (_figure(number) for number in (2 * step, step, running / step))
    return Speed(
        in_flight=load.in_flight, output_tokens_per_s=rate, ttft_s=ttft, ttft_p95_s=ttft, tpot_s=tpot,
        tpot_p95_s=tpot, queued=load.in_flight - running, bound="bandwidth",
    )  # fmt: skip


def best(hardware: Hardware, workload: Workload, model: ModelSpec) -> None:
    """Nothing is left out unasked."""


def files_of(fmt: WeightsFormat | None, model: ModelSpec) -> WeightsFormat:
    """What is named; else the checkpoint's own."""
    return fmt or weights_format(model.native_format)


def ready(wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready | None:
    """One card, 256 slots, and a step that takes as long as reading the weights."""
    if (wanted.slots or 1) > SLOTS:
        raise Unsupported(f"has {SLOTS} slots")
    candidate = Candidate(
        engine=NAME, model_ref=model.hf_id, weights_format=fmt.name, kv_cache_dtype="auto", device="gpu",
        gpu_indices=(0,), context_tokens=wanted.context_tokens, max_in_flight=SLOTS, max_batched_tokens=2048,
    )  # fmt: skip
    known = prepare(candidate, hardware, model, fit=NAME, version=wanted.version, chunk_tokens=2048)
    if known is None:
        return None
    rates = Rates(
        bytes_per_s=known.device.bandwidth, expert_bytes_per_s=known.device.bandwidth, kv_bytes_per_s=1e15,
        decode_flops=1e18, prefill_flops=1e18, attention_flops=1e18, overhead_s=0.0, sequence_s=0.0, routing_spread=1.0,
        vector_growth=0.0, expert_growth=0.0, all_reduce_s=0.0, link_bytes_per_s=1.0, stage_s=0.0,
    )  # fmt: skip
    step = step_model(
        known.facts, rates, tensor_parallel=1, pipeline_parallel=1, overlapping_stages=False, kv_share=1.0,
        chunk_tokens=2048,
    )  # fmt: skip
    rule = Discipline(slots=SLOTS, sequences=SLOTS, request_s=0.0, serial_s=0.0, burst=0.0, chunk_tokens=2048)
    return Ready(NAME, known, step, step, rule, float("inf"), SLOTS * wanted.context_tokens, 1, True, "")


def settings(
    estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec
) -> tuple[Setting, ...]:  # fmt: skip
    """Every one of its flags."""
    candidate = estimate.candidate
    values = (PORT, "127.0.0.1", served_name(model), candidate.max_in_flight, candidate.context_tokens, "on")
    return tuple(
        Setting(name=flag, kind="flag", value=str(told), because="it is told", source="engines-api")
        for flag, told in zip(FLAGS, values, strict=True)
    )


def launch(
    estimate: Estimate, settings: tuple[Setting, ...], hardware: Hardware, workload: Workload, model: ModelSpec
) -> Launch:
    """`stub serve MODEL --flag value ...`."""
    words = (word for setting in settings for word in (setting.name, setting.value or ""))
    return Launch(
        image=BUILD.image.format(version=ENTRY["version"]), variant=BUILD.backend, argv=(model.hf_id, *words), program=("stub", "serve"),
        env={"STUB_OFFLINE": "1"} if workload.air_gapped else {}, port=PORT, bind="127.0.0.1", model_ref=model.hf_id,
        served_name=served_name(model), health_path="/health", startup_s=60, drain_s=30,
        cache_bytes=estimate.memory.weights_bytes,
    )  # fmt: skip


def container(plan: Plan) -> Container:
    """The same on every address of the container."""
    store = Mount(
        source="models", target="/root/models", variable="ADVISOR_MODELS", native_variable="STUB_MODELS",
        native_folder=".stub",
    )  # fmt: skip
    health = ("CMD", "curl", "-fsS", f"http://127.0.0.1:{PORT}/health")
    inside = one_replica(plan, "0.0.0.0")
    return Container(
        image=plan.launch.image, argv=inside.argv, env=inside.env, health=health, mounts=(store,),
        **gpu_fields(plan),  # type: ignore[arg-type]
    )  # fmt: skip


def one_replica(plan: Plan, host: str) -> Command:
    """It is one."""
    return Command(argv=with_values(plan.launch.argv, {"--host": host}), env=plan.launch.env)


def preparation(plan: Plan) -> Preparation | None:
    """It loads its model as it starts."""
    return None


def checks(plan: Plan) -> tuple[Check, ...]:
    """One line."""
    return (Check(id="stub-knob", fact="the knob is on", command="echo on", expect="on", otherwise="turn it on"),)


def placements(plan: Plan) -> tuple[Placement, ...]:
    """Natively and with Compose."""
    return (Placement("stub/run.sh.j2", "run.sh", executable=True), Placement("stub/compose.yaml.j2", "compose.yaml"))


def chart(plan: Plan, pod: Pod) -> Chart | None:
    """Nobody has written one."""
    return None


def to_set(settings: tuple[Setting, ...], version: str) -> tuple[Setting, ...]:
    """Nothing: it takes no models."""
    return ()


def set_commands(plan: Plan) -> tuple[str, ...]:
    """None."""
    return ()


def supplies(plan: Plan) -> Supplies:
    """A Python package and the Hub's files."""
    requirement = f"stub=={plan.engine_version}"
    return Supplies(
        weights="hub", store="", fetched_by="`stub fetch`", requirement=requirement, variables=("STUB_OFFLINE",)
    )


def on_ray(plan: Plan) -> OnRay | None:
    """Not there."""
    return None


class _Observed:
    """It answers as it was asked, and tells its KV cache in its metrics."""

    EXACT_LENGTH = True
    METRICS_PATH: str | None = "/metrics"
    VERSION_PATH = "/version"
    CUTS_LONG_PROMPTS = False
    CONTEXT_KEYS: tuple[str, ...] = ("maximum context length",)

    def running(self, port: int | None = None) -> RunningEngine | None:
        """What answers as it does."""
        port = port or PORT
        version = asked(port, self.VERSION_PATH).get("version") if listens(port) else None
        return RunningEngine(engine=NAME, address=f"127.0.0.1:{port}", version=version) if version else None

    def progress(self, line: str) -> str | None:
        """The line itself."""
        return line

    def effective(self, log: str, metrics: str) -> Effective:
        """Nothing."""
        return Effective(seen_in="nowhere")

    def figures(self, metrics: str) -> Mapping[str, float]:
        """The length of its page."""
        return {"page": float(len(metrics))}

    def reader(self, server: Server) -> Reader:
        """Nothing is seen of it."""
        return _Blind()


class _Blind:
    """Looks that see nothing, and say so."""

    def read(self, now_s: float) -> Reading:
        """Nothing."""
        return Reading(at_s=now_s, gaps=("it tells nothing",))


def observer() -> Observer:
    """What a smoke test asks."""
    return _Observed()


def _figure(number: float) -> Figure:
    return Figure(low=number / 1.2, expected=number, high=number * 1.2, basis="analytic", source="speed-physics")
