"""vLLM inside Ray's image, which brings a version of its own: only arguments that both have."""

from __future__ import annotations

from typing import Any

from advisor.engines.deployment import OnRay
from advisor.schema import Plan

VERSION = "0.26.0"  # inside the image that `advisor/deploy/ray.py` pins
# Engine arguments that vLLM has had since long before that; the others are the API server's.
KEYWORDS = {
    "--tensor-parallel-size": int,
    "--pipeline-parallel-size": int,
    "--max-model-len": int,
    "--max-num-seqs": int,
    "--max-num-batched-tokens": int,
    "--gpu-memory-utilization": float,
    "--kv-cache-dtype": str,
    "--dtype": str,
    "--quantization": str,
    "--revision": str,
    "--tokenizer-revision": str,
    "--code-revision": str,
}


def on_ray(plan: Plan) -> OnRay:
    """The planned engine arguments."""
    flags = {setting.name: setting.value for setting in plan.settings if setting.kind == "flag"}
    arguments: dict[str, Any] = {
        name.removeprefix("--").replace("-", "_"): kind(flags[name] or "")
        for name, kind in KEYWORDS.items()
        if name in flags
    }
    if "--enable-prefix-caching" in flags:
        arguments["enable_prefix_caching"] = True
    return OnRay(version=VERSION, arguments=arguments, env={"VLLM_NO_USAGE_STATS": "1"})
