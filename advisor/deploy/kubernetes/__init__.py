"""Manifests for Kubernetes: one Kustomize folder, add-ons as components, values for the engine's own chart."""

from __future__ import annotations

from advisor.deploy import gateway, monitoring, nodes
from advisor.deploy.kubernetes import patience, pod
from advisor.deploy.kubernetes.accelerators import products, runtime_class, taints
from advisor.deploy.kubernetes.checks import checks
from advisor.deploy.kubernetes.manifest import Manifests
from advisor.deploy.kubernetes.resources import SPARE_DISK_BYTES, claim_bytes, resources
from advisor.deploy.kubernetes.scaling import scaling
from advisor.deploy.kubernetes.watching import watch
from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.builds import has_image, maker
from advisor.engines.downloads import fetches
from advisor.schema import Plan
from advisor.units import GIB

__all__ = ["checks", "facts", "placements", "possible", "wanted"]

FOLDER = "kubernetes"
ENGINE_METRICS_PORT = 9181  # the engine's own /metrics, shown by the gateway: the engine stays on loopback
COMMON = (
    "kustomization.yaml",
    "service.yaml",
    "networkpolicy.yaml",
    "poddisruptionbudget.yaml",
    "pod.Caddyfile",
    "monitoring/kustomization.yaml",
    "monitoring/podmonitor.yaml",
    "monitoring/prometheusrule.yaml",
    "ingress/kustomization.yaml",
    "ingress/ingress.yaml",
    "route/kustomization.yaml",
    "route/gateway.yaml",
    "route/httproute.yaml",
    "priority/kustomization.yaml",
    "priority/priorityclass.yaml",
)
NAMED_NODES, RUNTIME = ("node-product/kustomization.yaml",), ("runtime-class/kustomization.yaml",)
GROUP_PODS = tuple(f"/spec/leaderWorkerTemplate/{part}Template/spec" for part in ("leader", "worker"))
EXAMPLE_HOST = "llm.example.org"  # RFC 2606: nobody's
ON_QUEUE = (
    "autoscaling-keda/kustomization.yaml",
    "autoscaling-keda/scaledobject.yaml",
    "autoscaling-hpa/kustomization.yaml",
    "autoscaling-hpa/horizontalpodautoscaler.yaml",
    "autoscaling-hpa/prometheus-adapter-values.yaml",
    "inference-gateway/kustomization.yaml",
    "inference-gateway/inferencepool.yaml",
    "inference-gateway/httproute.yaml",
    "inference-gateway/networkpolicy.yaml",
)


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """A way to run is asked for by `run`, never wanted by itself."""
    return False


def possible(plan: Plan) -> str:
    """Nodes run Linux, and there has to be an image for the card."""
    if plan.hardware.os != "linux":
        return "a Kubernetes node that runs this engine needs Linux"
    vendor = maker(plan)
    if not has_image(plan) or (vendor and vendor.kubernetes is None):
        return f"there is no pinned image of {plan.engine} for this card"
    return ""


def facts(plan: Plan) -> Manifests:
    """Everything that the manifests place."""
    engine, count, asked = ENGINES[plan.engine], pod.pods(plan), resources(plan)
    container, preparation, chart = engine.container(plan), engine.preparation(plan), pod.chart(plan)
    front, command = gateway.facts(plan), pod.command(plan)
    group = nodes.facts(plan) if nodes.spanning(plan) else None
    return Manifests(
        name=pod.object_name(plan),
        preparation=preparation,
        pods=count,
        strategy="Recreate" if count == 1 else "RollingUpdate",
        deadline_s=patience.deadline_s(plan),
        args=command.argv,
        env=command.env,
        secrets=pod.secrets(plan),
        keys=pod.keys(plan),
        health=container.health[1:],
        user=pod.user(plan),
        cache_path=pod.cache_path(plan),
        claim_is_home=pod.cache_path(plan) == pod.user(plan).home,
        claim_bytes=claim_bytes(plan),
        access_mode=_access_mode(plan),
        host_paths=pod.host_paths(plan),
        fetch=pod.fetch(plan),
        fetched=engine.supplies(plan).fetched if pod.fetch(plan) else {},
        model_script=_model_arguments(plan),
        shared_memory=container.shared_memory,
        capabilities=pod.capabilities(plan),
        seccomp=pod.seccomp(plan),
        standard=pod.standard(plan),
        resources=asked,
        taints=taints(plan),
        probes=patience.probes(plan),
        ending=patience.ending(plan),
        reaches_out=fetches(plan),
        gateway_image=front.image,
        gateway_port=front.port,
        gateway_metrics_port=front.metrics_port,
        limit_s=front.limit_s,
        body_bytes=front.body_bytes,
        engine_metrics_port=ENGINE_METRICS_PORT if monitoring.exported(plan.engine) else None,
        scaling=scaling(plan, count, pod.object_name(plan)),
        watch=watch(plan, pod.object_name(plan)),
        workload="LeaderWorkerSet" if group else "StatefulSet" if preparation else "Deployment",
        pod_paths=GROUP_PODS if group else ("/spec/template/spec",),
        runtime_class=runtime_class(plan),
        products=products(plan),
        host=plan.workload.host or EXAMPLE_HOST,
        scratch=f"{SPARE_DISK_BYTES // GIB}Gi",
        chart=chart.values if chart else {},
        chart_file=chart.file if chart else "",
        chart_has_router=chart is not None and chart.has_router,
        group=group,
    )


def placements(plan: Plan) -> tuple[Placement, ...]:
    """The folder `kubernetes/`: gateway's Caddyfile and model's file come from the same templates as elsewhere."""
    files = [*COMMON, *(NAMED_NODES if products(plan) else ()), *(RUNTIME if runtime_class(plan) else ())]
    if nodes.spanning(plan):
        files += ["claim.yaml", "leaderworkerset-names.yaml"]
        group = Placement(nodes.template(plan, "leaderworkerset.yaml"), f"{FOLDER}/leaderworkerset.yaml")
        return (*_placed(files), group)
    preparation, chart = ENGINES[plan.engine].preparation(plan), pod.chart(plan)
    files += ["statefulset.yaml"] if preparation else ["deployment.yaml", "claim.yaml"]
    if scaling(plan, pod.pods(plan), pod.object_name(plan)):
        files += ON_QUEUE
    own = _placed(files)
    if chart:
        own.append(Placement(chart.template, f"{FOLDER}/{chart.file}"))
    if preparation:
        own.append(Placement(preparation.template, f"{FOLDER}/{preparation.file}"))
    return tuple(own)


def _placed(files: list[str]) -> list[Placement]:
    own = [Placement(f"kubernetes/{name}.j2", f"{FOLDER}/{name}") for name in files]
    return [*own, Placement("kubernetes/Caddyfile.j2", f"{FOLDER}/Caddyfile")]


def _access_mode(plan: Plan) -> str:
    """A StatefulSet's pods have a volume each; those of a Deployment or a group share one."""
    stateful = ENGINES[plan.engine].preparation(plan) is not None
    own = stateful or (pod.pods(plan) == 1 and not nodes.spanning(plan))
    return "ReadWriteOnce" if own else "ReadWriteMany"


def _model_arguments(plan: Plan) -> tuple[str, ...]:
    """What the script that makes the model is given: source and name."""
    return (plan.launch.model_ref, plan.launch.served_name)
