"""Manifests of every scenario: what they say, and what a real API server says to them."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog.vendors import card_variables
from advisor.deploy import PARTS
from advisor.deploy.kubernetes.pod import object_name, standard
from advisor.engines import ENGINES
from advisor.engines.ollama.chart import heredoc
from advisor.engines.vllm.chart import split
from advisor.errors import BadInput
from advisor.pipeline import recommend
from advisor.quoting import kubernetes
from advisor.render import render
from advisor.schema import Plan, RenderedFile
from tests.data import DATA
from tests.deploy.cluster import Cluster, build, program, running
from tests.scenarios import SCENARIOS, answer, story

TESTS = Path(__file__).parents[1]
ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("restricted", "baseline", "privileged")  # Pod Security Standards, the strictest first
WORKLOADS = ("Deployment", "StatefulSet", "LeaderWorkerSet")
ADD_ONS = ("monitoring", "ingress", "route", "priority", "node-product", "runtime-class")
LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40)


@functools.cache
def plan_of(scenario: str) -> Plan | None:
    """The scenario's plan with the parts that a cluster needs; None where there is no plan or no Kubernetes for it."""
    one_engine = {"engine": "auto"} if story(scenario)["options"].get("engine") == "both" else {}
    plan = answer(scenario, **one_engine).plan
    if plan is None or PARTS["kubernetes"].possible(plan):
        return None
    return replace(plan, parts=("gateway", "kubernetes"), desk=None)


def files_of(plan: Plan) -> dict[str, RenderedFile]:
    """The rendered folder `kubernetes/`, by path inside it."""
    found = {file.path: file for file in render(plan)}
    return {path.removeprefix("kubernetes/"): file for path, file in found.items() if path.startswith("kubernetes/")}


def documents(plan: Plan) -> list[dict[str, Any]]:
    """Every object of the base."""
    files = files_of(plan)
    named = yaml.safe_load(files["kustomization.yaml"].text)["resources"]
    return [document for name in named for document in yaml.safe_load_all(files[name].text)]


def workload_of(plan: Plan) -> dict[str, Any]:
    """The Deployment, the StatefulSet, or the LeaderWorkerSet with its leader for a pod."""
    (found,) = [document for document in documents(plan) if document["kind"] in WORKLOADS]
    if found["kind"] == "LeaderWorkerSet":
        found["spec"]["template"] = found["spec"]["leaderWorkerTemplate"]["leaderTemplate"]
    return found


def pod_of(plan: Plan) -> dict[str, Any]:
    """Its pod."""
    pod: dict[str, Any] = workload_of(plan)["spec"]["template"]["spec"]
    return pod


def containers(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All of them by name, sidecars too."""
    return {container["name"]: container for container in (*pod["initContainers"], *pod["containers"])}


def patience(probe: dict[str, Any]) -> int:
    """How long a probe waits at most."""
    return int(probe["periodSeconds"]) * int(probe["failureThreshold"])


@pytest.fixture(params=SCENARIOS)
def plan(request: pytest.FixtureRequest) -> Plan:
    """One scenario's plan."""
    found = plan_of(request.param)
    if found is None:
        pytest.skip("the answer is no, or this machine is no node of a cluster")
    return found


def test_what_an_operator_would_look_for_first(plan: Plan) -> None:
    """The engine is on loopback behind the gateway; no Service makes it stumble; no account, no root where it can be."""
    pod = pod_of(plan)
    found = containers(pod)
    assert pod["enableServiceLinks"] is False and pod["automountServiceAccountToken"] is False
    services = [document for document in documents(plan) if document["kind"] == "Service"]
    assert all(s["metadata"]["name"] != plan.engine and LABEL.fullmatch(s["metadata"]["name"]) for s in services)
    assert all(port["targetPort"] == "http" for service in services for port in service["spec"]["ports"])
    arguments = " ".join(found["engine"].get("args", ()))
    variables = {entry["name"]: entry.get("value") for entry in found["engine"]["env"]}
    assert "--host 127.0.0.1" in arguments or variables["OLLAMA_HOST"].startswith("127.0.0.1:")
    assert "ports" not in found["engine"] and not set(variables) & card_variables()
    assert found["gateway"]["restartPolicy"] == "Always"
    for container in found.values():
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert {"cpu", "memory"} <= set(container["resources"]["limits"]) & set(container["resources"]["requests"])
    assert pod["securityContext"].get("runAsNonRoot", False) == (plan.launch.variant in ("cuda", "cpu"))


def test_patience_covers_the_plans_own(plan: Plan) -> None:
    """Startup probes wait as long as the plan does, rollouts longer; a pod's end is longer than wait and drain."""
    pod, found = pod_of(plan), containers(pod_of(plan))
    engine = found["engine"]
    assert patience(engine["startupProbe"]) >= plan.launch.startup_s
    if "model" in found:
        assert patience(found["model"]["startupProbe"]) >= plan.launch.startup_s
    wait = int(engine["lifecycle"]["preStop"]["exec"]["command"][1])
    grace = ENGINES[plan.engine].container(plan).grace_s
    assert pod["terminationGracePeriodSeconds"] > wait + max(plan.launch.drain_s, grace)
    if workload_of(plan)["kind"] == "Deployment":
        assert workload_of(plan)["spec"]["progressDeadlineSeconds"] > patience(engine["startupProbe"])


def test_an_update_never_waits_for_a_card_that_the_old_pod_holds(plan: Plan) -> None:
    """A Deployment recreates or has no surge; a StatefulSet ends a pod before it starts its successor."""
    spec = workload_of(plan)["spec"]
    if workload_of(plan)["kind"] == "StatefulSet":
        assert spec["updateStrategy"]["type"] == "RollingUpdate" and spec["podManagementPolicy"] == "Parallel"
        assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["models"]
    elif workload_of(plan)["kind"] == "LeaderWorkerSet":
        assert spec["rolloutStrategy"]["rollingUpdateConfiguration"] == {"maxSurge": 0, "maxUnavailable": 1}
    elif spec["strategy"]["type"] != "Recreate":
        assert spec["replicas"] > 1 and spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_pods_use_the_planned_cards_and_fit_the_planned_machine(plan: Plan) -> None:
    """All pods together ask for every card of the plan once, and those of one machine for less than it has."""
    engine, candidate = containers(pod_of(plan))["engine"], plan.estimate.candidate
    pods = max(candidate.replicas // candidate.nodes, 1)
    limits, requests = engine["resources"]["limits"], engine["resources"]["requests"]
    cards = sum(int(count) for name, count in limits.items() if "/" in name)
    assert cards * pods == len(candidate.gpu_indices)
    assert workload_of(plan)["spec"]["replicas"] == candidate.replicas
    assert int(requests["memory"].removesuffix("Mi")) * 2**20 * pods <= plan.hardware.cpu.memory_bytes
    assert int(requests["cpu"].removesuffix("m")) * pods <= plan.hardware.cpu.cores * 1000
    assert int(limits["memory"].removesuffix("Mi")) >= int(requests["memory"].removesuffix("Mi"))
    assert "--data-parallel-size" not in engine.get("args", ())


def test_no_secret_stands_in_a_file(plan: Plan) -> None:
    """Keys and tokens come from Secrets that no file makes."""
    for container in containers(pod_of(plan)).values():
        for entry in container.get("env", ()):
            if re.search(r"KEY|TOKEN|SECRET", entry["name"]) and entry["name"] != "OLLAMA_KEEP_ALIVE":
                assert "value" not in entry and "secretKeyRef" in entry["valueFrom"]
    assert all(document["kind"] != "Secret" for document in documents(plan))


def test_one_source_for_what_other_targets_have_too(plan: Plan) -> None:
    """Caddyfile and Modelfile are letter by letter those of the other targets."""
    everything = {file.path: file.text for file in render(replace(plan, parts=("native", *plan.parts)))}
    assert everything["kubernetes/Caddyfile"] == everything["gateway/Caddyfile"]
    if "Modelfile" in everything:
        assert everything["kubernetes/Modelfile"] == everything["Modelfile"]


def test_only_the_gateway_is_let_in_and_nothing_goes_out_when_air_gapped(plan: Plan) -> None:
    """The engine's port is in no rule; an air-gapped plan has no way out, another only DNS and 443."""
    for air_gapped in (False, True):
        asked = replace(plan, workload=replace(plan.workload, air_gapped=air_gapped))
        (policy, *_) = [
            document
            for document in documents(asked)
            if document["metadata"]["name"] == object_name(plan) and document["kind"] == "NetworkPolicy"
        ]
        ports = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert plan.launch.port not in ports and all(rule["from"] for rule in policy["spec"]["ingress"])
        out = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        assert out == (set() if air_gapped or plan.model.path else {53, 443})


def test_scaling_only_where_the_engine_reports_its_queue(plan: Plan) -> None:
    """vLLM gets both add-ons with the same bounds around the planned number; Ollama and groups of machines get none."""
    files = files_of(plan)
    if plan.engine != "vllm" or workload_of(plan)["kind"] == "LeaderWorkerSet":
        assert not any(path.startswith("autoscaling") for path in files)
        return
    keda = yaml.safe_load(files["autoscaling-keda/scaledobject.yaml"].text)["spec"]
    hpa = yaml.safe_load(files["autoscaling-hpa/horizontalpodautoscaler.yaml"].text)["spec"]
    assert keda["minReplicaCount"] == hpa["minReplicas"] >= 1
    assert (
        keda["minReplicaCount"] <= workload_of(plan)["spec"]["replicas"] < keda["maxReplicaCount"] == hpa["maxReplicas"]
    )
    assert all(isinstance(value, str) for value in keda["triggers"][0]["metadata"].values())


def test_the_clusters_rules_ask_for_the_jobs_that_its_monitor_makes(plan: Plan) -> None:
    """Every job in a rule is one that PodMonitor gives, every port one of the pod's, and every recorded series its own."""
    files = files_of(plan)
    monitor = yaml.safe_load(files["monitoring/podmonitor.yaml"].text)["spec"]
    groups = yaml.safe_load(files["monitoring/prometheusrule.yaml"].text)["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    given = {rule["relabelings"][0]["replacement"] for rule in monitor["podMetricsEndpoints"]}
    asked = {job for rule in rules for job in re.findall(r'job="([^"]*)"', rule["expr"])}
    assert asked == given and all(job.startswith(f"{object_name(plan)}-") for job in given)
    ports = {port["name"] for container in containers(pod_of(plan)).values() for port in container.get("ports", ())}
    assert {endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]} <= ports
    assert monitor["selector"]["matchLabels"].items() <= workload_labels(plan).items()
    for rule in rules:
        assert rule["labels"]["llm"] == object_name(plan) and "node_" not in rule["expr"]
        own = f'{{llm="{object_name(plan)}"}}'
        assert all(found == own for found in re.findall(r"advisor:[a-z0-9_:]+(\{[^}]*\})?", rule["expr"]))


def workload_labels(plan: Plan) -> dict[str, str]:
    """Those of its pods."""
    labels: dict[str, str] = workload_of(plan)["spec"]["template"]["metadata"]["labels"]
    return labels


def test_every_container_says_what_disk_it_takes_and_when_its_image_is_pulled(plan: Plan) -> None:
    """Ephemeral storage has a request and a limit, no image is asked of a registry that is on the node."""
    for container in containers(pod_of(plan)).values():
        assert container["imagePullPolicy"] == "IfNotPresent"
        for bound in ("requests", "limits"):
            assert "ephemeral-storage" in container["resources"][bound], container["name"]


def test_what_writes_beside_a_read_only_root_is_told_where(plan: Plan) -> None:
    """The gateway keeps its state in folders that the pod mounts for writing, whatever its image says."""
    gateway = containers(pod_of(plan))["gateway"]
    told = {one["name"]: one.get("value") for one in gateway["env"]}
    mounts = {one["mountPath"] for one in gateway["volumeMounts"] if not one.get("readOnly")}
    assert gateway["securityContext"]["readOnlyRootFilesystem"] is True
    assert {told.get("XDG_DATA_HOME"), told.get("XDG_CONFIG_HOME")} <= mounts


def test_the_model_is_fetched_before_the_engine_starts(plan: Plan) -> None:
    """Where it is not here a container without probes fetches it onto the volume, and vLLM asks the Hub no more."""
    found = containers(pod_of(plan))
    group = workload_of(plan)["kind"] == "LeaderWorkerSet"
    assert ("fetch" in found) == (not plan.model.path and not plan.workload.air_gapped and not group)
    if "fetch" in found:
        assert not {"startupProbe", "livenessProbe", "readinessProbe"} & set(found["fetch"])
        assert found["fetch"]["command"][4] == plan.launch.model_ref
        mounts = {mount["name"]: mount["mountPath"] for mount in found["engine"]["volumeMounts"]}
        assert {"name": "models", "mountPath": mounts["models"]} in found["fetch"]["volumeMounts"]
        offline = {"name": "HF_HUB_OFFLINE", "value": "1"}
        assert offline not in found["fetch"]["env"] and (offline in found["engine"]["env"]) == (plan.engine == "vllm")


def test_a_nodes_label_names_the_planned_cards(plan: Plan) -> None:
    """The add-on asks for one product where the cards are alike, in a spelling that can be a label."""
    files = files_of(plan)
    if "node-product/kustomization.yaml" not in files:
        return
    patch = yaml.safe_load(files["node-product/kustomization.yaml"].text)["patches"][0]
    for step in yaml.safe_load(patch["patch"]):
        ((label, product),) = step["value"].items()
        assert label in ("nvidia.com/gpu.product", "amd.com/gpu.product-name")
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", product)


def test_on_a_mac_and_without_an_image_there_is_a_reason() -> None:
    """What cannot be had says why, in one sentence."""
    plan = plan_of("fifty-in-flight-rtx-4090")
    assert plan is not None
    mac = replace(plan, hardware=replace(plan.hardware, os="darwin"))
    cards = tuple(replace(card, vendor="intel") for card in plan.hardware.accelerators)
    bare = replace(plan, hardware=replace(plan.hardware, accelerators=cards))
    assert "Linux" in PARTS["kubernetes"].possible(mac) and "image" in PARTS["kubernetes"].possible(bare)
    assert not PARTS["kubernetes"].possible(plan)


def test_values_of_the_ollama_chart_have_the_charts_own_keys(plan: Plan) -> None:
    """otwld/ollama-helm 1.77.0 knows every top-level key and every key under `ollama`; the model has a volume."""
    files = files_of(plan)
    if "ollama-chart-values.yaml" not in files:
        return
    values = yaml.safe_load(files["ollama-chart-values.yaml"].text)
    known = {
        "fullnameOverride", "image", "ollama", "replicaCount", "updateStrategy", "serviceAccount", "persistentVolume",
        "extraEnv", "resources", "securityContext", "podSecurityContext", "terminationGracePeriodSeconds", "volumes",
        "volumeMounts", "extraObjects",
    }  # fmt: skip
    assert set(values) <= known
    assert set(values["ollama"]) <= {"port", "gpu", "models", "insecure", "mountPath"}
    assert set(values["ollama"]["gpu"]) <= {"enabled", "type", "number", "nvidiaResource", "mig", "draEnabled"}
    assert set(values["ollama"]["models"]) <= {"pull", "run", "create", "clean"}
    assert values["persistentVolume"]["enabled"] is True
    assert values["image"]["tag"] in plan.launch.image


@given(TEXT)
def test_any_name_becomes_a_label(text: str) -> None:
    """Objects have names that Services take too, never the engine's own, with room for what is put behind them."""
    plan = plan_of("fifty-in-flight-rtx-4090")
    assert plan is not None
    name = object_name(replace(plan, name=text))
    assert LABEL.fullmatch(name) and len(name) <= 44 and name not in ENGINES


def expanded(text: str) -> str:
    """What the kubelet makes of an argument: `$$` is one `$`, `$(NAME)` a variable, any other `$` itself."""
    return re.sub(r"\$(\$|\([^)]*\))", lambda found: "$" if found[1] == "$" else "VARIABLE", text)


@given(TEXT)
def test_any_string_survives_yaml_and_the_kubelet(text: str) -> None:
    """Arguments and variables arrive as they were meant, `$(HOME)` and `$$` too."""
    assert expanded(yaml.safe_load(kubernetes(text))) == text


@given(TEXT)
def test_any_string_can_stand_in_the_manifests(text: str) -> None:
    """Names, paths, summaries and variables from people leave every file readable and the arguments as they were."""
    plan = plan_of("fifty-in-flight-rtx-4090")
    assert plan is not None
    argv = (text, *plan.launch.argv[1:])
    odd = replace(
        plan,
        name=text,
        summary=text,
        launch=replace(plan.launch, argv=argv, model_ref=text, env={**plan.launch.env, "ODD": text}),
    )
    try:
        files = files_of(odd)
    except BadInput:
        return
    for path, file in files.items():
        if path.endswith(".yaml"):
            list(yaml.safe_load_all(file.text))
    engine = containers(pod_of(odd))["engine"]
    assert next(expanded(word) for word in engine["args"]) == text
    assert expanded({entry["name"]: entry.get("value") for entry in engine["env"]}["ODD"]) == text


@given(TEXT)
def test_a_modelfile_survives_the_charts_shell(text: str) -> None:
    """The Ollama chart writes the Modelfile with an unquoted here-document; bash gives back what was meant."""
    if "\r" in text or "EOF" in text:
        return
    done = subprocess.run(["bash", "-c", f"cat <<EOF\n{heredoc(text)}\nEOF\n"], capture_output=True, check=True)
    assert done.stdout.decode() == text + "\n"


def test_the_stacks_chart_gets_every_argument_once() -> None:
    """What the chart has keys for goes there, all else into extraArgs, and prefix caching is said either way."""
    argv = (
        "m",
        "--dtype",
        "float16",
        "--max-num-seqs",
        "8",
        "--enable-prefix-caching",
        "--host",
        "::",
        "--x",
        "a",
        "b",
    )
    config, rest = split(argv)
    assert config == {"tensorParallelSize": 1, "enablePrefixCaching": True, "dtype": "float16", "maxNumSeqs": 8}
    assert rest == ("--x", "a", "b")
    assert split(("m",))[0]["enablePrefixCaching"] is False


# --- programs that judge ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A real API server with every custom resource that the manifests use."""
    with running(Cluster) as cluster:
        # Pod security is only said, not enforced: a warning names what is not as restricted as it could be.
        cluster.kubectl("label", "namespace", "default", "pod-security.kubernetes.io/warn=restricted")
        for level in LEVELS:
            cluster.kubectl("create", "namespace", level)
            cluster.kubectl("label", "namespace", level, f"{ENFORCE}={level}")
            cluster.kubectl("create", "serviceaccount", "default", "--namespace", level)
        yield cluster


def write(plan: Plan, folder: Path, components: tuple[str, ...] = ()) -> Path:
    """The folder on disk, with add-ons switched on as its own comment says."""
    for path, file in files_of(plan).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text)
    if components:
        kustomization = folder / "kustomization.yaml"
        lines = [
            line.replace("#", "", 1) if any(f"- {name}" in line for name in components) else line
            for line in kustomization.read_text().replace("components: []", "components:").splitlines()
        ]
        kustomization.write_text("\n".join(lines) + "\n")
    return folder


def built(folder: Path, server: Cluster) -> str:
    """What Kustomize makes of the folder, once its namespace is there, as README says."""
    name = yaml.safe_load((folder / "kustomization.yaml").read_text())["namespace"]
    server.kubectl("create", "namespace", name, check=False)
    server.kubectl("label", "--overwrite", "namespace", name, "pod-security.kubernetes.io/warn=restricted")
    return build(folder)


@pytest.mark.external
@pytest.mark.xdist_group("kubernetes")
def test_a_real_server_takes_every_object(plan: Plan, server: Cluster, tmp_path: Path) -> None:
    """Kustomize builds the folder, and the API server would take all of it; alone and with each add-on."""
    choices: list[tuple[str, ...]] = [(), ADD_ONS]
    if "autoscaling-keda/kustomization.yaml" in files_of(plan):
        choices += [("autoscaling-keda", "inference-gateway"), ("autoscaling-hpa",)]
    for number, components in enumerate(choices):
        manifests = built(write(plan, tmp_path / str(number), components), server)
        done = server.dry_run(manifests)
        assert done.returncode == 0, done.stderr
        kinds = {document["kind"] for document in yaml.safe_load_all(manifests)}
        assert {"Service", "NetworkPolicy", "PodDisruptionBudget", "ConfigMap"} <= kinds
        assert ("ScaledObject" in kinds) == ("autoscaling-keda" in components)
        assert ("InferencePool" in kinds) == ("inference-gateway" in components)
        assert ({"PodMonitor", "PrometheusRule", "Ingress", "HTTPRoute", "PriorityClass"} <= kinds) == (
            components == ADD_ONS
        )
        rootless = plan.launch.variant in ("cuda", "cpu") and not plan.model.path
        assert ("would violate PodSecurity" in done.stderr) == (not rootless), done.stderr


@pytest.mark.external
@pytest.mark.xdist_group("kubernetes")
def test_the_pod_keeps_to_the_standard_that_is_claimed(plan: Plan, server: Cluster) -> None:
    """The namespace's label that README gives admits the pod; a stricter one would be claimed if it did too."""
    claimed, _ = standard(plan)
    spec = pod_of(plan)
    if not any(
        volume["name"] == "models" for volume in spec["volumes"]
    ):  # a StatefulSet's claim, as its controller adds it
        spec["volumes"].append({"name": "models", "emptyDir": {}})
    admitted = []
    for level in LEVELS:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": level}, "spec": spec}
        done = server.dry_run(json.dumps(pod))
        assert done.returncode == 0 or "violates PodSecurity" in done.stderr, done.stderr
        admitted += [level] * (done.returncode == 0)
    assert admitted == list(LEVELS[LEVELS.index(claimed) :])
    pages = [file.text for file in render(plan) if file.path in ("README.md", "docs/operations.md")]
    assert any(f"{ENFORCE}={claimed}" in page for page in pages)


def group_plan() -> Plan:
    """A model that needs two machines."""
    named = {"model": "deepseek-ai/DeepSeek-V3", "quantization": "fp8"}  # in 4 bit one machine is enough
    asked = {**named, "nodes": 2, "node_link": "400G IB", "parts": "kubernetes"}
    plan = recommend(profile="production-api", overrides=asked, hardware_file=TESTS / "hardware" / "h100-x8.json").plan
    assert plan is not None and plan.estimate.candidate.nodes == 2
    assert "gateway" in plan.parts  # though only the other was named: it is the pod's one door
    return plan


@pytest.mark.external
@pytest.mark.xdist_group("kubernetes")
def test_a_real_server_takes_a_group_of_machines(server: Cluster, tmp_path: Path) -> None:
    """One engine over two machines is a LeaderWorkerSet; its leader has the gateway, and the Service finds no worker."""
    manifests = built(write(group_plan(), tmp_path / "alone"), server)
    for text in (manifests, built(write(group_plan(), tmp_path / "all", ADD_ONS), server)):
        done = server.dry_run(text)
        assert done.returncode == 0, done.stderr
    found = {document["kind"]: document for document in yaml.safe_load_all(manifests)}
    group = found["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    leader, worker = group["leaderTemplate"], group["workerTemplate"]
    assert group["size"] == 2 and [c["name"] for c in leader["spec"]["initContainers"]] == ["gateway"]
    assert "initContainers" not in worker["spec"]
    chosen = found["Service"]["spec"]["selector"].items()
    assert chosen <= leader["metadata"]["labels"].items() and not chosen <= worker["metadata"]["labels"].items()
    assert found["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    names = [volume["configMap"]["name"] for volume in leader["spec"]["volumes"] if "configMap" in volume]
    assert names == [found["ConfigMap"]["metadata"]["name"]]


@pytest.mark.external
def test_helm_finds_the_stacks_values_valid(plan: Plan, tmp_path: Path) -> None:
    """The schema of the production stack's chart takes the values."""
    files = files_of(plan)
    if "production-stack-values.yaml" not in files:
        return
    shutil.copy(DATA / "production-stack-values.schema.json", tmp_path / "values.schema.json")
    (tmp_path / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": "vllm-stack", "version": "0.1.12"}))
    (tmp_path / "values.yaml").write_text(files["production-stack-values.yaml"].text)
    done = subprocess.run(
        [program("helm"), "template", "stack", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    bad = (tmp_path / "values.yaml").read_text().replace("maxNumSeqs: ", "maxNumSeqs: x")
    (tmp_path / "values.yaml").write_text(bad)
    refused = subprocess.run([program("helm"), "template", "stack", str(tmp_path)], capture_output=True, check=False)
    assert refused.returncode != 0
