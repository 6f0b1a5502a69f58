"""How people write the name of a model: which part is the model, the quantisation, or only packaging."""

from __future__ import annotations

import re
from typing import NamedTuple

from advisor.pattern import Pattern

_FORMAT = Pattern(
    r"[-_.:/ ](?:"
    r"(?P<gguf>ud[-_]?i?q\d[a-z0-9_]*|i?q\d_[a-z0-9_]+|mxfp4[-_]moe)"
    r"|(?P<quantised>nvfp4(?:a16)?|fp4|auto[-_]?(?:awq|gptq)|mxfp4|fp8(?:[-_](?:dynamic|static|block|kv|tensor|e4m3))?|quantized\.w\d+a\d+|w\d+a\d+"
    r"|(?:gptq|awq)(?:[-_](?:int\d|\db(?:it)?|w4a16))?(?:[-_]\d+g)?|(?:int4-)?autoround|int[48]|[48]bit)"
    r"|(?P<mixed>w-(?:mxfp4|fp8|int4|int8)-a-(?:mxfp4|fp8|int8))"
    r"|(?P<plain>bf16|fp16|f16|fp32|f32)"
    r"|(?P<carrier>gguf|mlx|mtp|qat|i1|ct|fast|hf|assistant-\d+bit)"
    r")$",
    re.IGNORECASE,
)
_PART = Pattern(r"-\d{5}-of-\d{5}$")  # of a GGUF file that was split
_GROUP = Pattern(r"[-_](\d)b(?:it)?(?:[-_]\d+g)?$|[-_]\d+g$", re.IGNORECASE)  # bits and group: "4b-128g"
# Forms of weights that no engine here loads, as words of a repository's name (or the owner who publishes nothing else).
UNLOADED = {
    "exl2": "ExLlamaV2",
    "exl3": "ExLlamaV3",
    "hqq": "HQQ",
    "aqlm": "AQLM",
    "quip": "QuIP",
    "bnb": "bitsandbytes",
    "bitsandbytes": "bitsandbytes",
    "nf4": "bitsandbytes",
    "mlx": "MLX",
    "openvino": "OpenVINO",
    "ov": "OpenVINO",
    "onnx": "ONNX",
    "coreml": "Core ML",
    "tensorrt": "TensorRT",
    "trt": "TensorRT",
    "litert": "LiteRT",
    "tflite": "LiteRT",
    "mlc": "MLC",
    "q4f16": "MLC",
    "rkllm": "RKLLM",
    "qnn": "QNN",
    "llamafile": "llamafile",
}
# Words that tell of fewer bits; where none of the known forms is meant the size of the weights is not known.
_FEWER_BITS = Pattern(
    r"(?:^|[-_. ])(\d(?:\.\d+)?[-_]?(?:bpw|bits?)|(?:u?int|fp|mxfp|nvfp|nf|bf)[1-8]|w\d+a\d+|i?[qt]q?\d_\w+"
    r"|gptq|awq|ternary|bitnet|quantized|quantised|quant|gptqmodel|marlin|squeezellm|smoothquant|svdquant)(?=$|[-_. ])",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[a-z]+|\d+")
# Words that tell a variant of the same architecture, by what they say about the weights; "" is packaging.
VARIANTS = {
    **dict.fromkeys(("instruct", "chat", "it", "sft", "dpo"), "tuned"),
    **dict.fromkeys(("thinking", "reasoning", "think"), "thinking"),
    **dict.fromkeys(("base", "text", "pt"), "base"),
    **dict.fromkeys(("hf", "preview", "meta", "nvidia", "google", "microsoft"), ""),
}


class Written(NamedTuple):
    """A name taken apart."""

    owner: str  # "" for a bare name
    repository: str  # owner and full name, without a tag after a colon; "" for a bare name
    name: str  # without owner, quantisation and packaging
    quantisation: str | None  # as written
    gguf: bool


def take_apart(text: str) -> Written:
    """`"unsloth/Qwen3.6-27B-GGUF:UD-Q4_K_XL"` → owner unsloth, name Qwen3.6-27B, UD-Q4_K_XL, GGUF."""
    stripped = text.strip().removeprefix("https://huggingface.co/").removeprefix("hf.co/")
    rest = re.sub(r"\.gguf$", "", stripped, flags=re.IGNORECASE)
    rest = _PART.sub("", rest)
    gguf = rest != stripped or text.startswith("hf.co/")
    owner, _, name = rest.rpartition("/")
    repository = f"{owner}/{name.partition(':')[0]}" if owner else ""
    found: list[tuple[str, str]] = []
    while match := _FORMAT.search(name):
        kind = match.lastgroup or ""
        word = match[kind].split("-")[1] if kind == "mixed" else _GROUP.sub(r"-\1bit", match[kind])
        found.append(("quantised" if kind == "mixed" else kind, word))
        gguf = gguf or kind == "gguf" or match[kind].lower() == "gguf"
        name = name[: match.start()]
    return Written(owner, repository, name, _chosen(found), gguf)


def _chosen(found: list[tuple[str, str]]) -> str | None:
    """Of several words the one that says most: `W8A16-AWQ` is w8a16, `Q4_K_M-fp16` is Q4_K_M."""
    for kind in ("gguf", "quantised", "plain"):
        words = [word for which, word in found if which == kind]
        if words:
            explicit = [word for word in words if re.match(r"(quantized\.)?w\d+a\d+", word, re.IGNORECASE)]
            return (explicit or words)[0]
    return None


def unloaded_form(text: str) -> str | None:
    """`"MLX"` for `mlx-community/Qwen3-8B-4bit`: the form in a repository's name that no engine here loads."""
    if "/" not in text:
        return None
    words = re.split(r"[-_./:]", text.lower())
    return next((title for word, title in UNLOADED.items() if word in words), None)


def fewer_bits(name: str) -> str | None:
    """`"3bit"` for `Qwen3-8B-3bit`: a word that tells of fewer bits; None where no word does."""
    found = _FEWER_BITS.search(name)
    return found[1] if found else None


def tokens(name: str) -> tuple[str, ...]:
    """`"Qwen2.5-7B"` and `"qwen2_5 7b"` → qwen, 2, 5, 7, b."""
    return tuple(_TOKEN.findall(name.lower()))


def without_variant(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the words that only tell base from instruct and the like."""
    return tuple(word for word in words if word not in VARIANTS)


def variant(words: tuple[str, ...]) -> frozenset[str]:
    """What the words say about the weights: tuned, thinking, base; empty where the name does not tell."""
    return frozenset(VARIANTS[word] for word in words if VARIANTS.get(word))


def contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether `part` stands in `words` as an unbroken run."""
    width = len(part)
    return any(words[start : start + width] == part for start in range(len(words) - width + 1))
