"""The same plan over several machines on Ray, for those who have KubeRay already; only when asked (`--parts ...,ray`).

No engine needs Ray for this, and Ray's image brings an engine of its own version, so the plan's figures hold less well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from advisor.catalog.vendors import vendors
from advisor.deploy.kubernetes.manifest import Resources
from advisor.deploy.kubernetes.pod import object_name
from advisor.deploy.kubernetes.resources import claim_bytes, resources
from advisor.deploy.nodes import wanted as over_machines
from advisor.engines import ENGINES
from advisor.engines.admission import admitted_requests
from advisor.engines.base import Placement
from advisor.engines.builds import maker
from advisor.engines.deployment import OnRay
from advisor.errors import BadInput
from advisor.schema import Check, Plan, value
from advisor.units import GIB

RAY_VERSION = "2.58.0"
PORT = 8000


@value
class RayFacts:
    """What the template sees."""

    name: str
    version: str
    image: str
    engine_version: str  # inside the image
    env: Mapping[str, str]
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
    """A plan over several machines, of an engine that Ray's image holds for these cards."""
    if not over_machines(plan):
        return "the plan needs one machine only; Ray is for several (--nodes)"
    if not _image(plan) or ENGINES[plan.engine].on_ray(plan) is None:
        served = " and ".join(vendor.title for vendor in vendors().values() if vendor.ray_image)
        return f"Ray's image is for {served} cards, and does not run {plan.engine} here"
    return ""


def facts(plan: Plan) -> RayFacts:
    """The service as Ray is told."""
    inside = inside_ray(plan)
    return RayFacts(
        name=f"{object_name(plan)}-ray",
        version=RAY_VERSION,
        image=_image(plan),
        engine_version=inside.version,
        env=inside.env,
        port=PORT,
        serve_config=json.dumps(serve_config(plan), indent=2),
        workers=plan.estimate.candidate.nodes,
        resources=resources(plan),
        claim_gib=claim_bytes(plan) // GIB,
        token_secret=f"{object_name(plan)}-hub" if plan.launch.needs_token else "",
        shared_memory=ENGINES[plan.engine].container(plan).shared_memory,
    )


def _image(plan: Plan) -> str:
    """The image for the plan's cards; empty where there is none."""
    vendor = maker(plan)
    return vendor.ray_image.format(version=RAY_VERSION) if vendor and vendor.ray_image else ""


def inside_ray(plan: Plan) -> OnRay:
    """The engine in Ray's image.

    Raises:
        BadInput: the image cannot run it.
    """
    found = ENGINES[plan.engine].on_ray(plan)
    if found is None:
        raise BadInput(possible(plan))
    return found


def serve_config(plan: Plan) -> dict[str, Any]:
    """One application: the model with the planned engine arguments, as many replicas as planned."""
    replicas, ports = plan.estimate.candidate.replicas, plan.estimate.candidate.servers
    model = {
        "model_loading_config": {"model_id": plan.launch.served_name, "model_source": plan.launch.model_ref},
        "engine_kwargs": dict(inside_ray(plan).arguments),
        "deployment_config": {
            "num_replicas": replicas,
            "max_ongoing_requests": -(-admitted_requests(plan.estimate, plan.workload) * ports // replicas),
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
