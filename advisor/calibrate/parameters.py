"""Which constants are fitted, where they start, how far they may go, and how strongly factors are held at 1."""

from __future__ import annotations

from typing import NamedTuple

FAMILY_SIGMA = 0.30  # of a factor's logarithm: families differ by about that much
KERNEL_SIGMA = 0.40


# A card family without measurements is like the one before it: its factors are held at that one's, not at 1.
BEFORE = {
    "pascal": "turing",
    "turing": "",
    "ampere": "turing",
    "ada": "ampere",
    "blackwell": "ada",
    "gb10": "blackwell",
    "jetson": "ampere",
    "volta": "",
    "ampere_hbm": "volta",
    "hopper": "ampere_hbm",
    "blackwell_hbm": "hopper",
    "cdna": "",
    "rdna": "",
    "igpu": "rdna",
    "apple": "",
    "xe": "",
    "xe_hpc": "xe",
}
BACKENDS = ("vulkan", "sycl")  # factors to the maker's own: CUDA, ROCm, Metal
BACKEND_FACTORS = ("bandwidth", "compute", "prefill_compute", "vector_growth", "overhead_s")
BACKEND_SIGMA = 0.30


class Parameter(NamedTuple):
    """A positive constant; it is fitted as a logarithm."""

    name: str
    start: float
    low: float
    high: float
    sigma: float | None  # of the logarithm around `start`; None: free
    like: str = ""  # the parameter it is held at instead


# name: start, low, high, sigma of the logarithm around the start
VLLM = {
    "bandwidth": (0.78, 0.4, 0.97, 0.3),
    "expert_bandwidth": (0.7, 0.2, 1.3, 0.4),
    "kv_bandwidth": (0.6, 0.1, 0.97, 0.4),
    "compute": (0.6, 0.2, 0.97, 0.3),
    "decode_compute.dense": (0.8, 0.2, 1.5, 0.4),
    "decode_compute.moe": (0.4, 0.05, 1.5, 0.5),
    "prefill_compute.dense": (0.9, 0.2, 3.0, 0.4),
    "prefill_compute.moe": (0.5, 0.05, 3.0, 0.5),
    "attention_compute": (0.4, 0.05, 0.97, 0.5),
    "overhead_s": (0.0012, 1e-4, 0.01, 0.7),
    "overhead_layers": (0.02, 1e-3, 0.2, 0.7),
    "overhead_sparse_layers": (0.02, 1e-3, 0.5, 0.7),
    "overhead_linear_layers": (0.02, 1e-3, 0.5, 0.7),
    "routing_spread": (0.9, 0.5, 1.0, 0.15),
    "sequence_s": (2e-5, 1e-6, 3e-4, 0.7),
    "overhead_per_year": (1.6, 1.0, 4.0, 0.4),
    "efficiency_per_year": (1.02, 1.0, 1.2, 0.05),
    "compute_per_year": (1.1, 1.0, 1.6, 0.15),
    "all_reduce_s.nvlink": (8e-6, 1e-6, 1e-4, 0.6),
    "all_reduce_s.peer": (1.5e-5, 2e-6, 2e-4, 0.6),
    "all_reduce_s.host": (2.5e-5, 2e-6, 3e-4, 0.6),
    "link.nvlink": (0.65, 0.1, 1.0, 0.1),
    "link.peer": (0.6, 0.05, 1.0, 0.2),
    "link.host": (0.3, 0.03, 1.0, 0.2),
    "stage_s": (5e-4, 2e-5, 5e-3, 0.8),
    "request_s": (0.010, 0.002, 0.2, 0.3),  # a short prompt takes 11 to 30 ms in all on current cards
    "request_token_s": (2e-6, 2e-7, 2e-5, 0.5),
    "serial_s": (0.001, 5e-5, 0.02, 0.8),
    "burst": (0.7, 0.05, 4.0, 0.6),
    "together": (0.1, 0.01, 1.0, 0.05),  # clients of a benchmark send some ten prompts each, the first ones at once
}
LLAMACPP = {
    "bandwidth": (0.88, 0.5, 0.97, 0.2),
    "unpack_bytes_per_s": (2e12, 3e11, 1e13, 0.5),
    "unpack_power": (0.3, 0.02, 1.0, 0.6),
    "expert_bandwidth": (0.8, 0.2, 1.0, 0.4),
    "kv_bandwidth": (0.5, 0.05, 0.97, 0.5),
    "compute": (0.35, 0.05, 0.97, 0.4),
    "decode_compute.dense": (0.5, 0.05, 1.5, 0.5),
    "decode_compute.moe": (0.4, 0.03, 1.5, 0.5),
    "prefill_compute.dense": (0.9, 0.1, 1.5, 0.5),
    "prefill_compute.moe": (0.5, 0.03, 1.5, 0.5),
    "attention_compute": (0.2, 0.01, 0.97, 0.6),
    "overhead_s": (0.0004, 5e-5, 0.005, 0.7),
    "overhead_layers": (0.03, 1e-3, 0.3, 0.7),
    "overhead_sparse_layers": (0.03, 1e-3, 0.5, 0.7),
    "overhead_linear_layers": (0.03, 1e-3, 0.5, 0.7),
    "routing_spread": (0.9, 0.5, 1.0, 0.15),
    "sequence_s": (5e-5, 1e-6, 2e-3, 0.7),
    "vector_growth": (0.15, 0.01, 1.0, 0.5),
    "vector_growth.moe": (1.0, 0.1, 10.0, 0.5),
    "logit_s": (3e-9, 1e-10, 5e-8, 0.7),
    "ollama_logit_s": (6e-9, 1e-10, 5e-8, 0.7),
    "overhead_per_year": (1.1, 1.0, 3.0, 0.1),
    "efficiency_per_year": (1.02, 1.0, 1.05, 0.03),
    "stage_s": (2e-4, 1e-5, 5e-3, 0.8),
    "request_s": (0.02, 0.002, 0.2, 0.6),
    "request_token_s": (1e-6, 1e-7, 2e-5, 0.5),
    "serial_s": (0.002, 5e-5, 0.05, 0.8),
    "burst": (0.7, 0.05, 4.0, 0.6),
    "together": (0.1, 0.01, 1.0, 0.05),
    "ollama_request_s": (0.03, 0.01, 0.5, 0.3),  # 25 ms hold for 0.34 (tests/engines); older ones took more
    "ollama_step": (1.1, 1.0, 1.5, 0.1),
}
# A CPU is described by the runs of tests/benchmarks/results-2core-avx512.md and results-2core-avx2.md (SmolLM2-135M on
# two cores of three kinds), too few to fit: set by hand. The boards of the community sources do not state their memory,
# so they are left out.
CPU = {
    "vllm": {"bandwidth": 0.70, "compute": 0.80, "overhead_s": 0.0027},
    "llamacpp": {"bandwidth": 0.79, "compute": 0.26, "overhead_s": 0.0011},
}
CPU_LAYERS = 30  # of the model that was measured: its whole overhead is set, whatever part the fit gives to layers
CPU_ONLY = {
    "vllm": {
        "cpu_widen_bytes_per_flop": 0.1, "cpu_sharpness": 1.0, "bandwidth.32": 0.8, "compute.32": 0.8,
        "decode_compute.cpu_dense": 0.753, "decode_compute.cpu_moe": 0.252,
        "prefill_compute.cpu_dense": 1.43, "prefill_compute.cpu_moe": 0.498,
    },
    "llamacpp": {"cpu_decode_compute": 0.21, "prefill_compute.cpu_dense": 1.42, "prefill_compute.cpu_moe": 0.754},
}  # fmt: skip
# Clients that ask alike and began together stay together: their answers end in one step, so their next prompts come at
# once. Set, not fitted, and not part of a fit: only waits depend on it, and it drew the constants of rates off.
IN_STEP = {"in_step": 1.0}
# Constants that split into a base and factors; the base of these two is 1 and only the factors count.
UNIT_BASES = ("decode_compute", "prefill_compute")
FAMILY_FACTORS = {
    "vllm": ("bandwidth", "compute", "overhead_s"),
    "llamacpp": ("bandwidth", "compute", "kv_bandwidth", "overhead_s", "prefill_compute", "vector_growth"),
}
KERNEL_FACTORS = {
    "vllm": ("bandwidth", "expert_bandwidth", "compute", "decode_compute"),
    "llamacpp": ("unpack_bytes_per_s", "compute", "prefill_compute", "vector_growth"),
}
FREE_KERNELS = {"vllm": "16", "llamacpp": "q4"}  # the reference kernel has no factor


# The chance that a drafted token is kept (physics/speed/speculation.py): runs with and without it are too few to fit.
ACCEPTED = {"accepted.mtp": 0.70, "accepted.eagle": 0.65, "accepted.dflash": 0.65, "accepted.ngram": 0.25}


def parameters(engine: str, kernels: tuple[str, ...]) -> list[Parameter]:
    """Every constant to fit where measurements of these kernels exist."""
    base = VLLM if engine == "vllm" else LLAMACPP
    found = [Parameter(name, *spec) for name, spec in base.items()]
    for name in FAMILY_FACTORS[engine]:
        for family, before in BEFORE.items():
            like = f"{name}.{before}" if before else ""
            found.append(Parameter(f"{name}.{family}", 1.0, 0.2, 5.0, FAMILY_SIGMA, like))
    for name in KERNEL_FACTORS[engine]:
        wanted = [kernel for kernel in kernels if kernel != FREE_KERNELS[engine]]
        if name == "unpack_bytes_per_s":
            wanted = [kernel for kernel in wanted if kernel != "16"]
        found += [Parameter(f"{name}.{kernel}", 1.0, 0.1, 10.0, KERNEL_SIGMA) for kernel in wanted]
    if engine == "llamacpp":
        names = (f"{name}.{backend}" for name in BACKEND_FACTORS for backend in BACKENDS)
        found += [Parameter(name, 1.0, 0.05, 10.0, BACKEND_SIGMA) for name in names]
    return found


def complete(engine: str, values: dict[str, float]) -> dict[str, float]:
    """Fill in the bases that are 1, and what is set by hand."""
    factors = {f"{name}.cpu": wanted / values[name] for name, wanted in CPU[engine].items()}
    factors["overhead_s.cpu"] /= 1.0 + CPU_LAYERS * values["overhead_layers"]
    return {**values, **dict.fromkeys(UNIT_BASES, 1.0), **factors, **CPU_ONLY[engine], **ACCEPTED}
