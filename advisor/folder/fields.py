"""Every field of a plan that holds text, and every number with bounds of its own: its kind, one row each.

A path stands for the same field of every list entry, and of the plan below `desk`.
"""

from __future__ import annotations

from collections.abc import Mapping

from advisor.folder import kinds
from advisor.folder.kinds import Numbers, Words

TEXTS: Mapping[Words, tuple[str, ...]] = {
    kinds.PLACE: ("hardware.accelerators.place",),
    kinds.ID: ("name", "engine", "parts", "checks.id", "estimate.candidate.engine", "findings.engine"),
    kinds.HOST: ("workload.host",),
    kinds.VERSION: ("engine_version", "catalog.version"),
    kinds.OWN_VERSION: ("advisor_version",),
    kinds.LONG: ("summary", "checks.command", "hardware.note", "hardware.unknown.*"),
    kinds.TEXT: (
        "model.hf_id", "estimate.derivation", "findings.message", "settings.because", "checks.fact", "checks.expect",
        "checks.otherwise", "checks.why", "hardware.assumed",
    ),
    kinds.LABEL: (
        "model.adapters.name",
        "model.family", "model.licence", "hardware.os_version", "hardware.cpu.model",
        "hardware.accelerators.name", "hardware.accelerators.architecture", "hardware.accelerators.processes.name",
        "hardware.node_link.name", "workload.node_link", "hardware.accelerators.mig_profile",
        "hardware.running.models.name", "hardware.engines.place", "catalog.own",
    ),
    kinds.LOCATION: (
        "model.path", "model.adapters.path", "workload.model", "workload.beside", "launch.model_ref",
        "estimate.candidate.model_ref", "hardware.disk_path",
    ),
    kinds.KEY: (
        "model.native_format", "model.architecture", "model.model_type", "model.ollama_quantization",
        "model.tool_parser", "model.reasoning_parser", "model.tags", "model.source", "model.repos.*keys",
        "model.stored_bytes.*keys",
        "workload.profile", "workload.task", "workload.quantization", "workload.engine", "workload.ttft_kind",
        "workload.lengths",
        "estimate.candidate.weights_format", "estimate.candidate.kv_cache_dtype", "estimate.memory.source",
        "findings.rule", "findings.source", "settings.source", "checks.targets", "launch.program", "launch.env.*keys",
        "hardware.accelerators.catalog_id",
        "hardware.accelerators.dense_flops.*keys", "hardware.cpu.dense_flops.*keys", "hardware.cpu.architecture",
        "hardware.cpu.instruction_sets", "hardware.containers.engine",
        "hardware.accelerators.vendor", "hardware.running.engine", "hardware.engines.engine",
        "hardware.engines.found_in", "launch.variant",
        *(
            f"estimate.{speed}.{figure}.source"
            for speed in ("speed", "peak_speed", "burst_speed")
            for figure in (
                "output_tokens_per_s", "ttft_s", "ttft_p95_s", "tpot_s", "tpot_p95_s", "ttft_warm_s", "ttft_cold_s",
                "ttft_cold_p95_s",
            )
        ),
    ),
    kinds.FOUND_VERSION: (
        "hardware.nvidia_driver", "hardware.cuda_version", "hardware.rocm_version",
        "hardware.containers.engine_version", "hardware.containers.compose_version",
        "hardware.containers.nvidia_toolkit_version", "hardware.running.version", "hardware.engines.version",
    ),
    kinds.CAPABILITY: ("hardware.accelerators.compute_capability",),
    kinds.DEVICE: ("hardware.containers.cdi_devices",),
    kinds.FIELD_PATH: ("hardware.unknown.*keys",),
    kinds.REPOSITORY: ("model.repos.*", "model.revisions.*keys"),
    kinds.REVISION: ("model.revisions.*.name", "model.revisions.*.asked"),
    kinds.REVISIONS: ("workload.revision",),
    kinds.TAG: ("model.ollama_tag",),
    kinds.MONTH: ("model.release",),
    kinds.DAY: ("catalog.date", "model.revisions.*.seen"),
    kinds.CHECKSUM: ("catalog.checksum",),
    kinds.RATE: ("workload.download_rate",),
    kinds.NAMES: ("workload.parts", "workload.run"),
    kinds.VERSIONS: ("workload.engine_version",),
    kinds.IMAGE: ("launch.image",),
    kinds.ADDRESS: ("launch.bind",),
    kinds.HOST_AND_PORT: ("hardware.running.address",),
    kinds.SLUG: ("launch.served_name",),
    kinds.URL_PATH: ("launch.health_path",),
    kinds.SETTING: ("settings.name",),
    kinds.SETTING_VALUE: ("settings.value", "launch.env.*"),
    kinds.TEXT_WORD: ("launch.argv",),
    kinds.MODELFILE: ("launch.modelfile",),
}  # fmt: skip
FIELDS: Mapping[str, Words] = {path: kind for kind, paths in TEXTS.items() for path in paths}

MACHINES = Numbers(1, 1024)
PARTS_OF_MODEL = Numbers(0, 2**20)
SECONDS = Numbers(0, 10**7)
# By the last word of the path: a number of that name means the same everywhere.
NUMBERS: Mapping[str, Numbers] = {
    "port": Numbers(1, 65535),
    "schema_version": Numbers(1, 1),
    **dict.fromkeys(("nodes", "numa_nodes"), MACHINES),
    **dict.fromkeys(("replicas", "tensor_parallel", "pipeline_parallel"), Numbers(1, 4096)),
    **dict.fromkeys(("index", "gpu_indices", "nvlink_peers"), Numbers(0, 1023)),
    **dict.fromkeys(("power_share", "memory_utilization", "kept_share", "active_fraction"), Numbers(0, 1)),
    **dict.fromkeys(("cores", "threads", "cpu_threads"), Numbers(0, 2**16)),
    **dict.fromkeys(("startup_s", "drain_s", "think_time_s"), SECONDS),
    "limit_s": Numbers(1, 3600),
    "layers": Numbers(1, 10_000),
    **dict.fromkeys(
        ("layers_full", "layers_sliding", "layers_linear", "cpu_layers", "stage_layers"), Numbers(0, 10_000)
    ),
    **dict.fromkeys(
        ("hidden", "intermediate", "heads", "kv_heads", "head_dim", "experts", "experts_per_token",
         "expert_intermediate", "shared_experts", "first_dense_layers", "mla_kv_lora_rank", "mla_rope_dim"),
        PARTS_OF_MODEL,
    ),
    **dict.fromkeys(("users", "concurrency", "peak_in_flight", "max_in_flight", "staff"), Numbers(1, 10**7)),
    **dict.fromkeys(("burst", "burst_users"), Numbers(0, 10**7)),
    **dict.fromkeys(
        ("input_tokens", "output_tokens", "context_tokens", "shared_prefix_tokens", "history_tokens",
         "reasoning_tokens", "context_trained", "vocab", "sliding_window", "max_batched_tokens"),
        Numbers(0, 10**9),
    ),
}  # fmt: skip
ANY_NUMBER = Numbers(0, 10**21)  # bytes, FLOP/s, tokens, dollars: none is negative
ANY_TEXT = kinds.TEXT
MOST_ENTRIES = 2048  # of a list or mapping
MOST_CARDS = 64
