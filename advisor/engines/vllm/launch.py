"""How vLLM is started: image, arguments, environment, and the patience that start and stop need."""

from __future__ import annotations

from typing import Any, Literal

from advisor.catalog import engine_limits
from advisor.engines.containers import ANYONE, Container, Mount, gpu_fields, local_mount, with_values, without
from advisor.engines.devices import cards_of
from advisor.engines.naming import served_name
from advisor.engines.vllm.patience import download_bytes, drain_s, startup_s
from advisor.engines.vllm.service import PORT
from advisor.schema import Estimate, Hardware, Launch, ModelSpec, Plan, Setting, Workload

Variant = Literal["cuda", "rocm", "cpu", "metal", "xpu", "vulkan"]

VARIANTS: dict[str, Variant] = {"nvidia": "cuda", "amd": "rocm", "intel": "xpu", "apple": "metal"}
STOP_SPARE_S = 15  # beyond the drain, before the container engine kills
CPU_PLATFORMS = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
RENUMBERED = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")


def image(variant: Variant, architecture: str) -> str:
    """The pinned image: with a leading v; ROCm and CPU have repositories of their own."""
    version = f"v{engine_limits('vllm').version}"
    if variant == "rocm":
        return f"vllm/vllm-openai-rocm:{version}"
    if variant == "cpu":
        return f"vllm/vllm-openai-cpu:{version}-{CPU_PLATFORMS.get(architecture, 'x86_64')}"
    return f"vllm/vllm-openai:{version}"


def launch(
    estimate: Estimate,
    settings: tuple[Setting, ...],
    hardware: Hardware,
    workload: Workload,
    model: ModelSpec,
) -> Launch:
    """`vllm serve MODEL flags`: the model comes first, a switch has no value, secrets come from .env."""
    values = {setting.name: setting.value for setting in settings}
    cards = cards_of(estimate.candidate, hardware)
    variant: Variant = VARIANTS.get(cards[0].vendor, "cuda") if cards else "cpu"
    return Launch(
        image=image(variant, hardware.cpu.architecture),
        variant=variant,
        argv=arguments(settings),
        program=("vllm", "serve"),
        env={s.name: s.value for s in settings if s.kind == "env" and s.value is not None},
        port=PORT,
        bind=values["--host"] or "127.0.0.1",
        model_ref=estimate.candidate.model_ref,
        served_name=served_name(model),
        health_path="/health",
        startup_s=startup_s(estimate, model),
        drain_s=drain_s(estimate, workload),
        needs_token=bool(model.gated) and model.path is None and not workload.offline,
        cache_bytes=download_bytes(estimate, model),
    )


def arguments(settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """The argument list: one word a flag, one word its value, the model first."""
    words: list[str] = []
    for setting in settings:
        if setting.kind != "flag":
            continue
        if setting.name == "model":
            words.insert(0, setting.value or "")
        else:
            words.extend([setting.name] if setting.value is None else [setting.name, setting.value])
    return tuple(words)


def container(plan: Plan) -> Container:
    """The same launch inside the image, whose entrypoint is `vllm serve`."""
    start, fields = plan.launch, gpu_fields(plan)
    rocm = start.variant == "rocm"
    extra: dict[str, Any] = {}
    if rocm:
        extra["security_options"] = ("no-new-privileges:true", "seccomp=unconfined")
        extra["added_capabilities"] = ("SYS_PTRACE",)
    elif start.variant == "cpu" and plan.hardware.cpu.numa_nodes > 1:
        extra["added_capabilities"] = ("SYS_NICE",)  # to place memory on NUMA nodes
    return Container(
        image=start.image,
        argv=with_values(start.argv, {"--host": ANYONE}),
        env=start.env if rocm else without(start.env, RENUMBERED),
        from_dotenv=secrets(plan),
        key_variable="VLLM_API_KEY" if "VLLM_API_KEY" in secrets(plan) else "",
        health=(
            "CMD",
            "curl",
            "-fsS",
            "-o",
            "/dev/null",
            f"http://127.0.0.1:{start.port}{start.health_path}",
        ),
        mounts=(
            Mount(source="huggingface", target="/root/.cache/huggingface", variable="ADVISOR_MODELS"),
            Mount(source="vllm-cache", target="/root/.cache/vllm"),
            *local_mount(plan.model.path),
        ),
        shared_memory="4g" if start.variant == "cpu" else "16g",
        start_period_s=start.startup_s,
        grace_s=start.drain_s + STOP_SPARE_S,
        **fields,  # type: ignore[arg-type]
        **extra,
    )


def secrets(plan: Plan) -> tuple[str, ...]:
    """Variables that .env gives: the token for a gated model, the key for a port that others reach."""
    names = [setting.name for setting in plan.settings if setting.kind == "env" and setting.value is None]
    return tuple(["HF_TOKEN", *names] if plan.launch.needs_token else names)
