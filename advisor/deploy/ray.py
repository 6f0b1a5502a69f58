"""The same plan over several machines on Ray, for those who have KubeRay already; only when asked (`--parts ...,ray`).

vLLM needs no Ray for this, and Ray's image brings a vLLM of its own, so the plan's figures hold less well there.
"""

from __future__ import annotations

import json
from typing import Any

from advisor.deploy.kubernetes.manifest import Resources
from advisor.deploy.kubernetes.pod import object_name
from advisor.deploy.kubernetes.resources import claim_bytes, resources
from advisor.deploy.nodes import wanted as over_machines
from advisor.engines import ENGINES
from advisor.engines.admission import admitted
from advisor.engines.base import Placement
from advisor.schema import Check, Plan, value
from advisor.units import GIB

RAY_VERSION = "2.58.0"
IMAGE = f"rayproject/ray-llm:{RAY_VERSION}-py312-cu130"
ITS_VLLM = "0.26.0"  # the vLLM inside that image
PORT = 8000
# Engine arguments that vLLM has had since long before the one in Ray's image; the others are the API server's.
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
}


@value
class RayFacts:
    """What the template sees."""

    name: str
    version: str
    image: str
    vllm: str
    port: int
    serve_config: str  # JSON, which is YAML too
    workers: int  # one on each machine
    resources: Resources
    claim_gib: int
    token_secret: str  # empty: the model is not gated
    shared_memory: str


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """Never by itself."""
    return False


def possible(plan: Plan) -> str:
    """A plan of vLLM over several machines with NVIDIA cards: there is no other image."""
    if not over_machines(plan):
        return "the plan needs one machine only; Ray is for several (--nodes)"
    if plan.engine != "vllm" or plan.launch.variant != "cuda":
        return "Ray's image has vLLM for NVIDIA cards only"
    return ""


def facts(plan: Plan) -> RayFacts:
    """The service as Ray is told."""
    return RayFacts(
        name=f"{object_name(plan)}-ray",
        version=RAY_VERSION,
        image=IMAGE,
        vllm=ITS_VLLM,
        port=PORT,
        serve_config=json.dumps(serve_config(plan), indent=2),
        workers=plan.estimate.candidate.nodes,
        resources=resources(plan),
        claim_gib=claim_bytes(plan) // GIB,
        token_secret=f"{object_name(plan)}-hub" if plan.launch.needs_token else "",
        shared_memory=ENGINES[plan.engine].container(plan).shared_memory,
    )


def serve_config(plan: Plan) -> dict[str, Any]:
    """One application: the model with the planned engine arguments, as many replicas as planned."""
    flags = {setting.name: setting.value for setting in plan.settings if setting.kind == "flag"}
    engine: dict[str, Any] = {
        name.removeprefix("--").replace("-", "_"): kind(flags[name] or "")
        for name, kind in KEYWORDS.items()
        if name in flags
    }
    if "--enable-prefix-caching" in flags:
        engine["enable_prefix_caching"] = True
    replicas, ports = plan.estimate.candidate.replicas, plan.estimate.candidate.servers
    model = {
        "model_loading_config": {"model_id": plan.launch.served_name, "model_source": plan.launch.model_ref},
        "engine_kwargs": engine,
        "deployment_config": {
            "num_replicas": replicas,
            "max_ongoing_requests": -(-admitted(plan.estimate) * ports // replicas),
            "graceful_shutdown_timeout_s": plan.launch.drain_s,
        },
    }
    return {
        "applications": [
            {
                "name": "llm",
                "route_prefix": "/",
                "import_path": "ray.serve.llm:build_openai_app",
                "args": {"llm_configs": [model]},
            }
        ]
    }


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """One manifest beside the others."""
    return (Placement("ray/rayservice.yaml.j2", "kubernetes/ray/rayservice.yaml"),)


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """Nothing that the others do not ask already."""
    return ()
