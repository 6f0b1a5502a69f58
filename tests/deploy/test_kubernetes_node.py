"""The emitted manifests on a real one-node Kubernetes, with the real engines on this machine's processor.

What differs from the folder that a person applies: resources (this machine is small), where the image's programs come
from (vLLM's 6 GB are mounted), and the volume, which is a folder here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.deploy.kubernetes.pod import object_name
from advisor.folder.write import write_tree
from advisor.pipeline import files_of, recommend
from advisor.probe import probe
from advisor.schema import Plan
from advisor.wire import to_json
from tests.deploy.cluster import TOOLS, Node, program, running
from tests.deploy.images import layer
from tests.required import absent

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

ENGINES = Path(os.environ.get("ADVISOR_ENGINES") or "~/.cache/advisor-engines").expanduser()
GIB = 1024**3
KEY = "0123456789abcdef0123456789abcdef"
CLIENT = Path(__file__).with_name("pod_client.py")
MODELS = {"vllm": "models/smollm2-135m-instruct", "ollama": "models/SmolLM2-135M-Instruct.Q4_1.gguf"}
# More than half of what this node has: a second pod waits until the first is gone, as it would for a card.
# The node does not count what containers write (tests/deploy/cluster.py), and so has none of it to give.
UNCOUNTED: dict[str, dict[str, Any]] = {bound: {"ephemeral-storage": None} for bound in ("requests", "limits")}
PATCHED = {"requests": {"cpu": "1100m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "8Gi"}}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node with local images under the pinned names."""
    if os.geteuid() != 0:
        pytest.skip("a node needs root")
    if not (ENGINES / "env.sh").is_file():
        reason = f"the real engines are not in {ENGINES}: tests/engines/install.sh installs them"
        absent(reason)
    caddy = TOOLS.parent / "caddy"
    if not caddy.exists():
        reason = f"{caddy} is not there: tests/tools/gateway.sh builds it"
        absent(reason, "TOOLS")
    program("kubelet")
    with running(Node) as cluster:
        # Not below /root, where the pods' user may not go.
        models = Path(tempfile.mkdtemp(prefix="advisor-models-", dir="/var/tmp"))
        models.chmod(0o755)
        try:
            for path in MODELS.values():
                copy = shutil.copytree if (ENGINES / path).is_dir() else shutil.copy
                copy(ENGINES / path, models / Path(path).name)
            cluster.models = models
            images(cluster, caddy.resolve())
            yield cluster
        finally:
            shutil.rmtree(models)


@pytest.fixture(autouse=True)
def nothing_left(node: Node) -> Iterator[None]:
    """No pod of one test takes the processor from the next."""
    yield
    node.kubectl("delete", "deployments,statefulsets", "--all", "--wait=false", check=False)
    node.kubectl("delete", "pods", "--all", "--force", "--grace-period=0", check=False)


def images(cluster: Node, caddy: Path) -> None:
    """Gateway and engines, with the entrypoints of the official images."""
    base, folder = TOOLS / "rootfs.tar", cluster.folder
    gateway = layer(folder / "gateway.tar", {"/usr/bin/caddy": caddy})
    cluster.load(image_name(plan_for("vllm", cluster), "gateway"), [base, gateway], {"Cmd": ["caddy", "run"]})
    ollama = ENGINES / "ollama"
    files = {"/usr/bin/ollama": ollama / "bin" / "ollama", "/usr/lib/ollama": ollama / "lib" / "ollama"}
    cluster.load(
        image_name(plan_for("ollama", cluster), "engine"),
        [base, layer(folder / "ollama.tar", files)],
        {"Entrypoint": ["/bin/ollama"], "Cmd": ["serve"], "Env": ["PATH=/usr/bin:/bin"]},
    )
    path = f"PATH={ENGINES}/vllm/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # The engine's files are mounted below /root, which only root may enter in Debian's image.
    (folder / "open").mkdir(mode=0o755)
    cluster.load(
        image_name(plan_for("vllm", cluster), "engine"),
        [base, layer(folder / "vllm.tar", {"/root": folder / "open"})],
        {"Entrypoint": ["vllm", "serve"], "Env": [path]},
    )


def plan_for(engine: str, node: Node) -> Plan:
    """The plan for four requests in flight on a machine like this one, but with 8 GiB, as others use it too."""
    found = probe()
    cpu = replace(found.cpu, memory_bytes=8 * GIB, available_bytes=7 * GIB)
    machine = node.folder / "machine.json"
    machine.write_text(to_json(replace(found, cpu=cpu, accelerators=())))
    asked = {
        "model": str(node.models / Path(MODELS[engine]).name),
        "engine": engine,
        "concurrency": 4,
        "input_tokens": 128,
        "output_tokens": 128,
        "context_tokens": 1024,
        "offline": True,
        "air_gapped": True,
        "parts": "gateway,kubernetes",
    }
    plan = recommend(profile=None, overrides=asked, hardware_file=machine).plan
    assert plan is not None
    return plan


def manifests_of(plan: Plan, folder: Path) -> Path:
    """The folder as `advisor recommend --out` writes it."""
    write_tree(folder, files_of(plan), overwrite=True)
    return folder / "kubernetes"


def image_name(plan: Plan, container: str) -> str:
    """The name that the manifests give, as containerd spells it."""
    name = {file.path: file for file in files_of(plan)}
    text = next(
        name[f"kubernetes/{kind}.yaml"].text
        for kind in ("deployment", "statefulset")
        if f"kubernetes/{kind}.yaml" in name
    )
    pod = yaml.safe_load(text)["spec"]["template"]["spec"]
    image = next(c["image"] for c in (*pod["initContainers"], *pod["containers"]) if c["name"] == container)
    return f"docker.io/{image}" if "/" in image else f"docker.io/library/{image}"


def overlay(plan: Plan, manifests: Path, folder: Path, mounted: dict[str, Path]) -> Path:
    """The manifests with this machine's resources, and with what the local image lacks."""
    kind = "StatefulSet" if plan.launch.modelfile else "Deployment"
    whole = yaml.safe_load((manifests / f"{kind.lower()}.yaml").read_text())["spec"]["template"]["spec"]
    pod: dict[str, Any] = {
        part: [{"name": one["name"], "resources": UNCOUNTED} for one in whole[part]]
        for part in ("initContainers", "containers")
        if whole.get(part)
    }
    engine: dict[str, Any] = next(one for one in pod["containers"] if one["name"] == "engine")
    engine["resources"] = {bound: {**PATCHED[bound], **UNCOUNTED[bound]} for bound in PATCHED}
    if mounted:
        pod["volumes"] = [{"name": name, "hostPath": {"path": str(path)}} for name, path in mounted.items()]
        engine["volumeMounts"] = [
            {"name": name, "mountPath": str(path), "readOnly": True} for name, path in mounted.items()
        ]
    patch = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": object_name(plan)},
        "spec": {"template": {"spec": pod}},
    }
    folder.mkdir(parents=True)
    (folder / "patch.yaml").write_text(yaml.safe_dump(patch))
    relative = os.path.relpath(manifests, folder)
    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump({"namespace": "default", "resources": [relative], "patches": [{"path": "patch.yaml"}]})
    )
    return folder


def volume(node: Node, name: str) -> Path:
    """A persistent volume that is a folder."""
    place = node.folder / name
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    spec = {
        "capacity": {"storage": "100Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": str(place)},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    text = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    node.kubectl("apply", "--server-side", "-f", "-", given=json.dumps(text))
    return place


def applied(node: Node, plan: Plan, folder: Path, mounted: dict[str, Path]) -> tuple[str, str]:
    """Secret and manifests, as README.md says; the kind with its name, and the Service's address."""
    name = object_name(plan)
    node.kubectl("delete", "secret", f"{name}-key", "--ignore-not-found")  # of another engine's plan for the model
    node.kubectl("create", "secret", "generic", f"{name}-key", "--from-file=ADVISOR_API_KEY=/dev/stdin", given=KEY)
    kustomization = overlay(plan, manifests_of(plan, folder / "out"), folder / "overlay", mounted)
    node.kubectl("apply", "--server-side", "-k", str(kustomization))
    address = node.get("service", name)["spec"]["clusterIP"]
    kind = "statefulset" if plan.launch.modelfile else "deployment"
    return f"{kind}/{name}", f"http://{address}:8080"


def rolled_out(node: Node, workload: str, patience_s: int) -> None:
    """Until the rollout is complete; with the pods' own story where it is not."""
    done = node.kubectl("rollout", "status", workload, f"--timeout={patience_s}s", check=False, timeout=patience_s + 30)
    if done.returncode:
        said = node.kubectl("describe", "pods", check=False).stdout[-4000:]
        log = node.kubectl("logs", workload, "--all-containers", "--prefix", "--tail=40", check=False)
        pytest.fail(f"{node.logs()}\n{said}\n{log.stdout}{log.stderr}\n{done.stderr}")


def client(node: Node, **asked: Any) -> subprocess.Popen[str]:
    """Requests from inside the node's network."""
    return subprocess.Popen(
        [*node.prefix, sys.executable, str(CLIENT), json.dumps(asked)], stdout=subprocess.PIPE, text=True
    )


def answers(running_client: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """How the requests ended."""
    said, _ = running_client.communicate(timeout=600)
    found: list[dict[str, Any]] = json.loads(said)
    return found


def in_flight(node: Node, folder: Path, **asked: Any) -> subprocess.Popen[str]:
    """A client of which every request has begun to get its answer."""
    started = folder / f"started-{time.monotonic_ns()}"
    loading = client(node, **asked, started=str(started))
    end = time.monotonic() + 300
    while not started.exists():
        assert loading.poll() is None and time.monotonic() < end, answers(loading)
        time.sleep(0.1)
    return loading


def whole(found: list[dict[str, Any]]) -> bool:
    """Whether every answer came to its own end."""
    return all(answer.get("done") and answer["reason"] in ("length", "stop") for answer in found)


def read(node: Node, url: str) -> str:
    """A page, from inside the node's network."""
    done = subprocess.run([*node.prefix, "curl", "-fsS", "-m", "20", url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ollama_keeps_its_model_when_its_pod_is_replaced(node: Node, tmp_path: Path) -> None:
    """Ready only with the model; key needed; after the pod is replaced the same blobs serve the same name."""
    plan = plan_for("ollama", node)
    store = volume(node, "ollama")
    workload, url = applied(node, plan, tmp_path, {})
    rolled_out(node, workload, plan.launch.startup_s)

    name = plan.launch.served_name
    assert answers(client(node, url=url, model=name, tokens=8)) == [{"status": 401}]
    assert whole(answers(client(node, url=url, model=name, tokens=8, key=KEY)))
    blobs = {path.name: path.stat().st_ino for path in store.glob("**/blobs/sha256-*")}
    assert blobs

    pod = f"{object_name(plan)}-0"
    before = node.get("pod", pod)["metadata"]["uid"]
    loading = in_flight(node, tmp_path, url=url, model=name, key=KEY, requests=2, tokens=60)
    node.kubectl("delete", "pod", pod, "--wait=false")
    found = answers(loading)
    assert whole(found), found
    node.wait("another pod", lambda: uid(node, pod) not in (None, before), 120)
    rolled_out(node, workload, plan.launch.startup_s)
    assert {path.name: path.stat().st_ino for path in store.glob("**/blobs/sha256-*")} == blobs
    assert whole(answers(client(node, url=url, model=name, tokens=8, key=KEY)))


@pytest.mark.nightly
def test_vllm_starts_answers_rolls_over_and_ends_without_losing_a_request(node: Node, tmp_path: Path) -> None:
    """Ready through its startup probe; key needed; a rollout and a deletion under load cut no request in flight."""
    plan = plan_for("vllm", node)
    home = Path((ENGINES / "vllm" / "bin" / "python3").resolve()).parents[1]
    volume(node, "vllm")
    workload, url = applied(node, plan, tmp_path, {"engine-files": ENGINES / "vllm", "python": home})
    rolled_out(node, workload, plan.launch.startup_s)

    name = plan.launch.served_name
    assert answers(client(node, url=url, model=name, tokens=8)) == [{"status": 401}]
    assert answers(client(node, url=url, model=name, tokens=8, key="wrong" * 5)) == [{"status": 401}]
    assert whole(answers(client(node, url=url, model=name, tokens=8, key=KEY)))
    (pod,) = node.get("pods", "-l", f"app.kubernetes.io/instance={object_name(plan)}")["items"]
    metrics = read(node, f"http://{pod['status']['podIP']}:9181/metrics")
    assert "vllm:num_requests_waiting{" in metrics and f'model_name="{name}"' in metrics
    assert "caddy_" in read(node, f"http://{pod['status']['podIP']}:9180/metrics")

    loading = in_flight(node, tmp_path, url=url, model=name, key=KEY, requests=4, tokens=400)
    node.kubectl("rollout", "restart", workload)
    found = answers(loading)
    assert whole(found), found
    rolled_out(node, workload, plan.launch.startup_s + 120)
    assert whole(answers(client(node, url=url, model=name, tokens=8, key=KEY)))

    loading = in_flight(node, tmp_path, url=url, model=name, key=KEY, requests=4, tokens=400)
    node.kubectl("delete", workload, "--wait=false")
    found = answers(loading)
    assert whole(found), found
    node.kubectl("wait", "--for=delete", "pod", "--all", "--timeout=180s", timeout=200)


def uid(node: Node, pod: str) -> str | None:
    """Which pod has that name now."""
    done = node.kubectl("get", "pod", pod, "-o", "jsonpath={.metadata.uid}", check=False)
    return done.stdout or None
