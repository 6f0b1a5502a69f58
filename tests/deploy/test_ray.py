"""The plan on Ray: only when asked, and only for a plan over several machines."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from advisor.deploy import PARTS
from advisor.deploy.ray import serve_config
from advisor.errors import BadInput
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from tests.data import CRDS
from tests.deploy.node_cases import LARGE, spanning_plan
from tests.deploy.shapes import matches


def asked(parts: str) -> Plan:
    """The plan over two machines with these parts."""
    plan: Plan = spanning_plan(2, parts=parts)
    return plan


def manifest(plan: Plan) -> dict[str, dict[str, Any]]:
    """The documents of the manifest by kind."""
    files = {file.path: file.text for file in files_of(plan)}
    return {document["kind"]: document for document in yaml.safe_load_all(files["kubernetes/ray/rayservice.yaml"])}


def test_ray_comes_only_when_asked() -> None:
    """No plan has Ray by itself, and a plan for one machine or of another engine cannot have it."""
    assert "ray" not in asked("auto").parts
    assert "ray" in asked("nodes,ray").parts
    with pytest.raises(BadInput, match="one machine only"):
        recommend(profile="chat", overrides={"model": "qwen2.5:7b", "parts": "ray"}, gpu="RTX 4090")
    with pytest.raises(BadInput, match="NVIDIA"):
        recommend(profile="production-api", overrides=LARGE | {"nodes": 4, "parts": "ray"}, gpu="2x MI300X")


def test_the_service_has_the_shape_that_its_operator_takes() -> None:
    """Every key of the RayService is one of the resource's own schema."""
    resource = json.loads((CRDS / "rayservice.json").read_text())
    versions = {version["name"]: version for version in resource["spec"]["versions"]}
    matches(manifest(asked("nodes,ray"))["RayService"], versions["v1"]["schema"]["openAPIV3Schema"], "")


def test_ray_is_told_the_planned_engine() -> None:
    """Parallelism, length and slots are the plan's; a worker lies on each machine with all of its cards."""
    plan = asked("nodes,ray")
    service = manifest(plan)["RayService"]["spec"]
    config = json.loads(service["serveConfigV2"])
    assert config == serve_config(plan)
    (model,) = config["applications"][0]["args"]["llm_configs"]
    candidate = plan.estimate.candidate
    assert model["engine_kwargs"]["tensor_parallel_size"] == candidate.tensor_parallel
    assert model["engine_kwargs"]["pipeline_parallel_size"] == candidate.pipeline_parallel
    assert model["engine_kwargs"]["max_model_len"] == candidate.context_tokens
    assert model["deployment_config"]["num_replicas"] == candidate.replicas
    (group,) = service["rayClusterConfig"]["workerGroupSpecs"]
    assert group["replicas"] == candidate.nodes
    (worker,) = group["template"]["spec"]["containers"]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == len(candidate.gpu_indices)


def test_nobody_reaches_ray_without_a_gateway() -> None:
    """Only the pods of the cluster, its operator, and what is labelled a gateway come in."""
    (own, front) = manifest(asked("nodes,ray"))["NetworkPolicy"]["spec"]["ingress"]
    assert [list(source) for source in own["from"]] == [["podSelector"], ["namespaceSelector", "podSelector"]]
    assert front["from"] == [{"podSelector": {"matchLabels": {"llm-gateway": "true"}}}]
    assert PARTS["ray"].checks(asked("nodes,ray")) == ()
