"""What is written for several machines, and how the machines follow each other."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.deploy import PARTS
from advisor.deploy.gateway import VERSION as GATEWAY_VERSION
from advisor.deploy.nodes import MASTER_PORT, facts
from advisor.errors import BadInput
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from tests.data import CRDS
from tests.deploy.cluster import program
from tests.deploy.node_cases import paper_folder, repeated_plan, running, spanning_plan, until
from tests.deploy.shapes import matches
from tests.engines.engine_cases import tool
from tests.required import absent

linux_only = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the scripts read /proc/net/tcp: Linux only")


def texts(plan: Plan) -> dict[str, str]:
    """The folder's files by path."""
    return {file.path: file.text for file in files_of(plan)}


def pages(plan: Plan) -> str:
    """What the folder says to people, README and what it points to."""
    return "".join(text for path, text in texts(plan).items() if path.endswith(".md"))


def objects(text: str) -> dict[str, dict[str, Any]]:
    """The documents of a YAML file by kind."""
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_only_a_plan_over_machines_has_the_part() -> None:
    """One machine gets no such files, and asking for them says why; several get them whatever else was asked for."""
    alone = {"model": "Qwen/Qwen2.5-7B-Instruct", "parts": "nodes"}
    with pytest.raises(BadInput, match="one machine only"):
        recommend(profile="chat", overrides=alone, gpu="RTX 4090")
    bare = recommend(
        profile="production-api", gpu="8x H100",
        overrides={"model": "deepseek-ai/DeepSeek-V3", "quantization": "fp8", "users": 50, "nodes": 2, "parts": "none"},
    ).plan  # fmt: skip
    assert bare is not None and bare.parts == ("native", "nodes")
    assert "nodes/node.sh" in texts(bare)


def test_an_engine_over_machines_has_no_file_that_would_start_half_of_it() -> None:
    """No Compose file and no Deployment, which know one machine; run.sh asks which machine it is on."""
    files = texts(spanning_plan())
    assert {"nodes/node.sh", "nodes/nodes.env.example", "run.sh", "nodes/node@.service"} <= files.keys()
    assert {"compose.yaml", "kubernetes/deployment.yaml", "nodes/Caddyfile"}.isdisjoint(files)
    assert "which machine is this" in files["run.sh"]


def test_a_unit_hands_the_engine_its_token_and_nobody_elses_key() -> None:
    """HF_TOKEN's file is read by the manager, for the service's own user cannot; the gateway's keys are taken away again."""
    unit = texts(spanning_plan())["nodes/node@.service"].splitlines()
    assert {f"EnvironmentFile=-/opt/advisor/{name}" for name in (".env", "engine.env")} <= set(unit)
    assert "UnsetEnvironment=ADVISOR_API_KEY ADVISOR_API_KEY_NEXT GRAFANA_PASSWORD" in unit


def test_every_machine_gets_the_same_command_but_for_its_rank() -> None:
    """The planned arguments, then rank and meeting place; never --enforce-eager, with which a second stage dies."""
    plan, script = spanning_plan(), texts(spanning_plan())["nodes/node.sh"]
    for word in plan.launch.argv:
        assert word in script
    assert ("--nnodes", "2") in zip(plan.launch.argv, plan.launch.argv[1:], strict=False)
    assert "--enforce-eager" not in script
    assert "--headless" in script


def test_engines_on_each_machine_get_a_balancer() -> None:
    """Two ports, two gateways behind one Caddyfile; each machine's own files are those of a single one."""
    plan = repeated_plan()
    files, known = texts(plan), facts(plan)
    assert (known.servers, known.per_replica, known.spanning) == (2, 1, False)
    assert {"nodes/Caddyfile", "nodes/nodes.env.example", "run.sh", "compose.yaml"} <= files.keys()
    assert "nodes/node.sh" not in files
    assert "--nnodes" not in files["run.sh"]
    assert files["nodes/nodes.env.example"].count(":8080") == 2


@pytest.mark.external
def test_the_balancer_is_what_caddy_reads(tmp_path: Path) -> None:
    """Caddy takes the file as it is, with and without a name."""
    caddy = tool("caddy")
    (tmp_path / "Caddyfile").write_text(texts(repeated_plan())["nodes/Caddyfile"])
    for name in ("", "llm.example.org"):
        subprocess.run(
            [caddy, "validate", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"],
            env={"ADVISOR_BALANCER_HOSTNAME": name, "HOME": str(tmp_path)}, check=True, capture_output=True,
        )  # fmt: skip


@pytest.mark.external
@pytest.mark.parametrize("nodes", [2, 4])
def test_the_scripts_are_clean(tmp_path: Path, nodes: int) -> None:
    """Shellcheck finds nothing in either script."""
    files = texts(spanning_plan(nodes))
    for name in ("run.sh", "nodes/node.sh"):
        path = tmp_path / Path(name).name
        path.write_text(files[name])
        subprocess.run([tool("shellcheck"), "-S", "style", str(path)], check=True)


def test_the_group_has_the_shape_that_its_controller_takes() -> None:
    """Every key of the LeaderWorkerSet is one of the resource's own schema, with the right type and enumeration."""
    (version,) = json.loads((CRDS / "leaderworkerset.json").read_text())["spec"]["versions"]
    group = objects(texts(spanning_plan())["kubernetes/leaderworkerset.yaml"])["LeaderWorkerSet"]
    matches(group, version["schema"]["openAPIV3Schema"], "")


def test_the_group_is_the_plan() -> None:
    """A pod a machine with its cards; leader with gateway and patience, workers headless, and all restarted together."""
    plan = spanning_plan()
    found = objects(texts(plan)["kubernetes/leaderworkerset.yaml"])
    spec = found["LeaderWorkerSet"]["spec"]
    template = spec["leaderWorkerTemplate"]
    leader, worker = template["leaderTemplate"]["spec"], template["workerTemplate"]["spec"]
    assert (spec["replicas"], template["size"]) == (facts(plan).servers, 2)
    assert template["restartPolicy"] == "RecreateGroupOnPodRestart"
    assert [container["name"] for container in leader["initContainers"]] == ["gateway"]
    assert "initContainers" not in worker
    (main,), (other,) = leader["containers"], worker["containers"]
    for container in (main, other):
        assert container["resources"]["limits"]["nvidia.com/gpu"] == 8
        assert "$(LWS_LEADER_ADDRESS)" in container["args"]
        assert {entry["name"] for entry in container["env"]} >= {"VLLM_HOST_IP", "NCCL_SOCKET_IFNAME"}
    assert main["args"][: len(plan.launch.argv)] == other["args"][: len(plan.launch.argv)]
    assert "--headless" in other["args"] and "--headless" not in main["args"]
    assert other["args"][other["args"].index("--node-rank") + 1] == "$(LWS_WORKER_INDEX)"
    probe = main["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= plan.launch.startup_s
    assert leader["terminationGracePeriodSeconds"] > plan.launch.drain_s
    assert "startupProbe" not in other


def test_the_service_reaches_leaders_only() -> None:
    """What the Service and the disruption budget select is on the leader and not on the workers."""
    files = texts(spanning_plan())
    template = objects(files["kubernetes/leaderworkerset.yaml"])["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    for name, key in (("service", "Service"), ("poddisruptionbudget", "PodDisruptionBudget")):
        selector = objects(files[f"kubernetes/{name}.yaml"])[key]["spec"]["selector"]
        wanted = selector.get("matchLabels", selector).items()
        assert wanted <= template["leaderTemplate"]["metadata"]["labels"].items()
        assert not wanted <= template["workerTemplate"]["metadata"]["labels"].items()


def test_a_group_shares_its_volume() -> None:
    """Several pods of one group read the same claim."""
    claim = yaml.safe_load(texts(spanning_plan())["kubernetes/claim.yaml"])
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


@pytest.mark.external
def test_kustomize_gives_the_group_its_configuration(tmp_path: Path) -> None:
    """The hashed name of the gateway's ConfigMap also stands in the group: else its pods would wait for ever."""
    for path, text in texts(spanning_plan()).items():
        if path.startswith("kubernetes/"):
            place = tmp_path / Path(path).relative_to("kubernetes")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    built = subprocess.run(
        [program("kustomize"), "build", str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout
    found = {document["kind"]: document for document in yaml.safe_load_all(built)}
    template = found["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]["leaderTemplate"]["spec"]
    names = [volume["configMap"]["name"] for volume in template["volumes"] if "configMap" in volume]
    assert names == [found["ConfigMap"]["metadata"]["name"]]


def test_the_checklist_names_the_private_network() -> None:
    """Addresses, a network of their own, and an end for all: whoever plans several machines reads it."""
    ids = {check.id for check in PARTS["nodes"].checks(spanning_plan())}
    assert {"nodes-same", "nodes-addresses", "nodes-private", "nodes-network", "nodes-stop"} <= ids
    assert "nodes-private" not in {check.id for check in PARTS["nodes"].checks(repeated_plan())}


@linux_only
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "which machine is this"),
        (("x",), "which machine is this"),
        (("2",), "there are 2 machines"),
        (("0", "--later"), "accepted is --follow"),
    ],
)
def test_a_wrong_word_is_explained(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """The script starts nothing when it does not know who it is."""
    folder = paper_folder(tmp_path)
    done = subprocess.run(
        ["bash", str(folder / "nodes" / "node.sh"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert told in done.stderr


@linux_only
def test_addresses_are_counted(tmp_path: Path) -> None:
    """Too few addresses are found before anything starts."""
    folder = paper_folder(tmp_path)
    (folder / "nodes" / "nodes.env").write_text('ADVISOR_NODES="10.0.0.1"\n')
    done = subprocess.run(["bash", str(folder / "nodes" / "node.sh"), "0"], capture_output=True, text=True, check=False)
    assert (done.returncode, "must name 2 addresses" in done.stderr) == (2, True)


@linux_only
def test_stopping_the_first_machine_ends_all(tmp_path: Path) -> None:
    """The first one drains and ends; the others, which ignore SIGTERM, are ended when it is gone."""
    folder = paper_folder(tmp_path)
    with running(folder, (0, ()), (1, ())) as (first, second):
        until(lambda: first.says("joined") and second.says("joined"), "they did not meet")
        engine = second.engine()
        first.process.send_signal(signal.SIGTERM)
        assert first.ends() == 0
        assert first.says("drained")
        assert second.ends() == 0
        assert second.says("the first machine's engine is gone")
        assert not Path(f"/proc/{engine}").exists()


@linux_only
def test_a_lost_machine_ends_the_group(tmp_path: Path) -> None:
    """The first machine does not wait for a stage that is gone: it ends with an error, so that a unit starts it again."""
    folder = paper_folder(tmp_path)
    with running(folder, (0, ()), (1, ())) as (first, second):
        until(lambda: first.says("joined") and second.says("joined"), "they did not meet")
        os.kill(second.engine(), signal.SIGKILL)
        assert second.ends() == 1
        assert first.ends() == 1
        assert first.says("127.0.0.12 is gone")


@linux_only
def test_who_follows_comes_back_with_the_first_machine(tmp_path: Path) -> None:
    """With --follow a machine waits for the first one, ends its part with it, and joins again when it is back."""
    folder = paper_folder(tmp_path)
    with running(folder, (1, ("--follow",))) as (second,):
        until(lambda: second.says("waiting for"), "it does not wait")
        for times in (1, 2):
            with running(folder, (0, ("--follow",))) as (first,):
                until(lambda: second.says("joined", times), "it did not join")  # noqa: B023 - used at once
                first.process.send_signal(signal.SIGTERM)
                assert first.ends() == 0
            until(lambda: second.says("waiting for", times + 1), "it does not wait again")  # noqa: B023
        second.process.send_signal(signal.SIGTERM)
        assert second.ends() == 0


@linux_only
def test_a_second_machine_alone_can_be_stopped(tmp_path: Path) -> None:
    """SIGTERM to the script ends a part that would ignore it."""
    folder = paper_folder(tmp_path)
    with running(folder, (1, ())) as (second,):
        until(lambda: second.says("arguments"), "it did not start")
        engine = second.engine()
        second.process.send_signal(signal.SIGTERM)
        assert second.ends() == 0
        assert not Path(f"/proc/{engine}").exists()


@linux_only
def test_four_machines_make_two_groups(tmp_path: Path) -> None:
    """Machines 2 and 3 meet at machine 2, with ranks 0 and 1."""
    plan = recommend(
        profile="production-api", gpu="8x H100",
        overrides={"model": "deepseek-ai/DeepSeek-V3", "quantization": "fp8", "users": 400, "nodes": 4, "parts": "nodes"},
    ).plan  # fmt: skip
    assert plan is not None
    known = facts(plan)
    assert (known.servers, known.per_replica, known.first_machines) == (2, 2, (0, 2))
    folder = paper_folder(tmp_path)
    (folder / "nodes" / "node.sh").write_text(texts(plan)["nodes/node.sh"])
    text = (folder / "nodes" / "nodes.env").read_text().replace("127.0.0.12", "127.0.0.12 127.0.0.13 127.0.0.14")
    (folder / "nodes" / "nodes.env").write_text(text)
    with running(folder, (2, ()), (3, ())) as (third, fourth):
        until(lambda: third.says("joined") and fourth.says("joined"), "they did not meet")
        assert third.says("--node-rank 0 --master-addr 127.0.0.13")
        assert fourth.says("--node-rank 1 --master-addr 127.0.0.13")


@pytest.mark.external
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("nodes/node@.service", "advisor-node@0.service"),
        ("nodes/gateway.service", "advisor-node-gateway.service"),
    ],
)
def test_the_units_are_clean_and_closed(file: str, name: str, tmp_path: Path) -> None:
    """systemd reads engine's and gateway's unit without a complaint, and gives each an exposure below 4."""
    unit = tmp_path / name
    unit.write_text(texts(spanning_plan())[file].replace("/opt/caddy-", f"{tmp_path}/caddy-"))
    caddy = tmp_path / f"caddy-{GATEWAY_VERSION}" / "bin" / "caddy"
    caddy.parent.mkdir(parents=True)
    caddy.symlink_to(tool("caddy"))
    judge = tool("systemd-analyze")
    read = subprocess.run([judge, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    judged = subprocess.run(
        [judge, "security", "--offline=true", "--threshold=39", str(unit)], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout[-400:]


def test_two_machines_are_told_only_of_what_they_have() -> None:
    """An engine over two machines has no compose.yaml, so no line names Compose; RDMA and the firewall are complete."""
    readme = pages(spanning_plan(node_link="400G IB"))
    assert "docker compose" not in readme, readme
    assert "/dev/infiniband" in readme and "memlock=-1" in readme
    rules = readme.partition("table inet")[2].partition("END")[0]
    assert "drop" in rules and "dport 22" not in rules and f"{MASTER_PORT}, 32768-60999" in rules


@pytest.mark.external
def test_the_firewall_is_read_again_as_often_as_one_likes(tmp_path: Path) -> None:
    """At every boot and after every change: the same four rules, in a file that lies where the page says."""
    found = re.search(
        r"sudo tee (\S+) >/dev/null <<'END'\n(.*?)END\nsudo nft -f (\S+)\n", pages(spanning_plan()), re.DOTALL
    )
    assert found and found[1] == found[3]
    if os.geteuid() != 0 or shutil.which("nft") is None or shutil.which("unshare") is None:
        absent("rules in a network of their own need root, unshare and nft: tests/tools/units.sh installs it", "TOOLS")
    (tmp_path / "rules.nft").write_text(found[2])
    typed = "nft -f rules.nft && nft -f rules.nft && nft list ruleset"
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", typed], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if "Operation not permitted" in done.stderr:
        absent(f"no network can be made here: {done.stderr.strip()}", "TOOLS")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" accept\n") == 3 and done.stdout.count(" drop\n") == 1, done.stdout


def test_the_balancer_is_reached_from_elsewhere_only_when_told() -> None:
    """Its address stands in the file that its command line reads, and loopback where that file is silent."""
    files = texts(repeated_plan())
    assert "bind {$ADVISOR_BALANCER_BIND:127.0.0.1}" in files["nodes/Caddyfile"]
    assert "ADVISOR_BALANCER_BIND=0.0.0.0" in files["nodes/nodes.env.example"]
