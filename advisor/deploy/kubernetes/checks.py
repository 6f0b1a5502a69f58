"""Checklist lines of the cluster. A person runs them where `kubectl` reaches it, which is seldom this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.deploy.kubernetes import pod
from advisor.deploy.kubernetes.accelerators import devices, products, runtime_class
from advisor.schema import Check, Plan

LEAST_VERSION = "1.29"  # from here on a sidecar is a container that starts first and ends last


def checks(plan: Plan) -> tuple[Check, ...]:
    """Server version, cards, disk, Secrets, and the server's own judgement of the folder."""
    return tuple(_lines(plan))


def _line(name: str, fact: str, command: str, expect: str, otherwise: str) -> Check:
    return Check(
        id=f"kubernetes-{name}",
        fact=f"Kubernetes only: {fact}",
        command=None,
        expect=f"`{command}`: {expect}",
        otherwise=otherwise,
    )


def _lines(plan: Plan) -> Iterator[Check]:
    name = pod.object_name(plan)
    yield _line(
        "version",
        f"the server is {LEAST_VERSION} or newer (the gateway is a sidecar that ends after the engine)",
        "kubectl version",
        f"Server Version: v{LEAST_VERSION} or newer",
        "update the cluster, or use systemd or Compose",
    )
    for resource, count in devices(plan).items():
        yield _line(
            "cards",
            f"a node offers {count} of {resource}",
            f"kubectl get nodes -o custom-columns='NODE:.metadata.name,CARDS:.status.allocatable."
            f"{resource.replace('.', chr(92) + '.')}'",
            f"{count} or more on {pod.pods(plan)} node(s) or one with enough for all",
            "install the vendor's device plugin; for MIG its strategy must be mixed",
        )
    yield _line(
        "storage",
        "a volume for the model can be had",
        "kubectl get storageclass",
        "one marked (default)",
        "name a storage class in kubernetes/kustomization.yaml, or make the volume by hand",
    )
    for label, product in products(plan).items():
        yield _line(
            "product",
            f"nodes say which cards they have ({label}={product})",
            f"kubectl get nodes -L {label}",
            f"{product}; then the add-on node-product keeps the pod off other cards",
            "without that label leave the add-on out; with another spelling exchange it there",
        )
    if (found := runtime_class(plan)) != "":
        yield _line(
            "runtime",
            "containers see the cards in the cluster's default runtime",
            "kubectl get runtimeclass",
            f"no {found}, or one that the add-on runtime-class then names",
            "a pod that sees no card needs the add-on runtime-class",
        )
    yield _line(
        "prometheus",
        "Prometheus is where the add-ons monitoring and autoscaling look for it",
        "kubectl get service --all-namespaces -l operated-prometheus=true",
        "prometheus-operated in the namespace monitoring",
        "exchange serverAddress in kubernetes/autoscaling-keda/scaledobject.yaml; another Prometheus needs no operator "
        "where it follows the pods' annotations",
    )
    if (found_chart := pod.chart(plan)) is not None:
        version = found_chart.values["version"]
        yield _line(
            "chart",
            f"who installs {found_chart.file} with Helm takes the chart's version {version}",
            "helm list --all-namespaces",
            f"nothing of it yet, or {version}",
            "values of another version may have other names: compare with `helm show values` before an upgrade",
        )
    for secret in (pod.keys(plan)[0], *pod.secrets(plan)):
        yield _line(
            f"secret-{secret.name.removeprefix(name + '-')}",
            f"the Secret {secret.name} holds {secret.variable}",
            f"kubectl get secret {secret.name} -o jsonpath='{{.data.{secret.variable}}}' | wc -c",
            "more than 20",
            "README.md has the command; the pod waits until it is there",
        )
    yield _line(
        "judged",
        "the server accepts every object",
        "kubectl apply --server-side --dry-run=server -k kubernetes",
        "a line for each, no error",
        "the message names the field; a newer API may have dropped it",
    )
    yield _line(
        "network",
        "the cluster's network enforces NetworkPolicy (not every one does)",
        "kubectl -n kube-system get pods",
        "Calico, Cilium, or what your provider says enforces it",
        "the key still guards the port; /metrics of gateway and engine are open inside the cluster",
    )
    yield replace(
        _line(
            "ready",
            "every pod answers",
            f"kubectl get pods -l app.kubernetes.io/instance={name}",
            "Running, and all containers READY",
            "`kubectl describe pod POD` says what it waits for, `kubectl logs POD --all-containers` what ended",
        ),
        when="running",
    )
