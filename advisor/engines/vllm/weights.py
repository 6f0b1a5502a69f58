"""Which checkpoint of a model vLLM would load, and in which format."""

from __future__ import annotations

from typing import NamedTuple

from advisor.catalog import weights_format
from advisor.schema import Cpu, ModelSpec, Workload

PLAIN = ("bf16", "fp16", "fp32")
FOUR_BIT = ("awq-int4", "gptq-int4", "w4a16")
ANY_FOUR_BIT = "w4a16"  # also what "4bit" and "int4" mean


# x86 without one of these has no 16-bit products: oneDNN refuses, and vLLM falls back to a much slower path.
HALF_ON_X86 = ("avx512", "avx512_bf16", "amx_bf16")


class Weights(NamedTuple):
    """A format, and the repository or folder that holds it."""

    format: str
    ref: str


def own(model: ModelSpec) -> str:
    """The checkpoint under its own name: a local path where there is one, else the Hub id."""
    return model.path or model.hf_id


def cpu_plain_format(cpu: Cpu) -> str:
    """The plain format that this processor multiplies fast: 16 bit where it can, else 32 bit (seen on AVX2)."""
    if cpu.architecture == "x86_64" and not set(HALF_ON_X86) & set(cpu.instruction_sets):
        return "fp32"
    return "bf16"


def choices(model: ModelSpec, workload: Workload) -> tuple[Weights, ...]:
    """Formats worth judging, most precise first: native, FP8 (published, else made at load), one 4-bit.

    A name in `workload.quantization` leaves only that format; nothing, where the model has no such weights. A
    GGUF stays in the list: the rule that refuses it says why.
    """
    native = weights_format(model.native_format)
    if native.kind == "gguf":
        return (Weights(native.name, own(model)),)
    if workload.quantization != "auto":
        return _asked(model, weights_format(workload.quantization, "vllm").name)
    found = [Weights(native.name, own(model))]
    if native.name in PLAIN and workload.kind == "generate":
        found.append(_fp8(model))
        found.extend(_four_bit(model))
    return tuple(found)


def is_online(model: ModelSpec, name: str, ref: str) -> bool:
    """Whether vLLM quantises while loading: a 16-bit checkpoint, FP8 planned."""
    return name == "fp8" and ref == own(model) and model.native_format in PLAIN


def _asked(model: ModelSpec, name: str) -> tuple[Weights, ...]:
    if name == model.native_format:
        return (Weights(name, own(model)),)
    if name in model.repos:
        return (Weights(name, model.repos[name]),)
    if name in weights_format(model.native_format).covers:
        return (Weights(model.native_format, own(model)),)
    wanted = weights_format(name)
    if model.native_format in PLAIN and wanted.kind == "plain" and name != "fp32":
        return (Weights(name, own(model)),)
    if name == "fp8" and model.native_format in PLAIN:
        return (_fp8(model),)
    if name == ANY_FOUR_BIT:
        return _four_bit(model)
    return (Weights(name, own(model)),) if wanted.kind == "gguf" else ()


def _fp8(model: ModelSpec) -> Weights:
    """A published FP8 checkpoint is a smaller download than quantising the 16-bit one at every start."""
    return Weights("fp8", model.repos.get("fp8", own(model)))


def _four_bit(model: ModelSpec) -> tuple[Weights, ...]:
    """The maker's own 4-bit repository before anybody else's."""
    found = [Weights(name, model.repos[name]) for name in FOUR_BIT if name in model.repos]
    maker = model.hf_id.split("/")[0]
    return tuple(sorted(found, key=lambda weights: weights.ref.split("/")[0] != maker)[:1])
