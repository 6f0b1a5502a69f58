"""Prometheus, alerts and dashboard: read by promtool, alerts that fire and stay quiet, strings that arrive."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor import quoting
from advisor.catalog import constants, sources
from advisor.deploy import monitoring as part
from advisor.deploy.monitoring.facts import Alert, Monitoring
from advisor.engines import ENGINES
from advisor.engines.ways import WAYS
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.front import planned, written
from tests.engines.engine_cases import tool
from tests.scenarios import SCENARIOS

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
GONE = ("vllm:gpu_cache_usage_perc", "vllm:num_requests_swapped", "vllm:time_per_output_token_seconds")


def watched(engine: str) -> Plan:
    """A plan with both targets."""
    plan = planned(engine)
    return replace(plan, workload=replace(plan.workload, ttft_ms=2000.0, tpot_ms=50.0))


def queries(made: Monitoring) -> list[str]:
    """Every PromQL expression of rules and dashboard."""
    return [
        *(record.expr for record in made.records),
        *(alert.expr for alert in made.alerts),
        *(query.expr for panel in made.panels for query in panel.queries),
    ]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_name_is_recorded_or_exported(engine: str) -> None:
    """Alerts and panels use recorded names that exist; vLLM's names are those of the catalogue, and none that is gone."""
    made = part.facts(watched(engine))
    recorded = {record.name for record in made.records}
    everything = "\n".join(queries(made))
    assert set(re.findall(r"advisor:[a-z0-9_:]+", everything)) <= recorded
    known = {text for text in part.exported(engine).values() if text.startswith("vllm:")}
    found = {re.sub("_bucket$", "", name) for name in re.findall(r"vllm:[a-z0-9_]+", everything)}
    assert found <= known and not found & set(GONE)
    assert bool(found) == (engine == "vllm")


def test_the_metrics_of_an_engine_have_a_source() -> None:
    """Whatever the catalogue says of an engine's metrics names where it was read."""
    for names in constants("metrics").values():
        assert names["source"] in sources()


@pytest.mark.parametrize("engine", list(ENGINES))
def test_alerts_say_what_to_do(engine: str) -> None:
    """Names are unique, every alert waits, is critical or a warning, and ends in something to do."""
    made = part.facts(watched(engine)).alerts
    assert len({alert.name for alert in made}) == len(made) >= 7
    for alert in made:
        assert alert.for_s >= 60 and alert.severity in ("critical", "warning") and alert.summary and alert.todo


def test_thresholds_come_from_the_plan() -> None:
    """Targets become thresholds; without a target there is no such alert; the queue's is half of what may wait."""

    def of(plan: Plan) -> dict[str, Alert]:
        return {alert.name: alert for alert in part.facts(plan).alerts}

    plan = watched("vllm")
    assert of(plan)["TtftOverTarget"].expr.endswith("> 2") and of(plan)["TpotOverTarget"].expr.endswith("> 0.05")
    assert "requests_waiting > 8 " in of(plan)["QueueGrowing"].expr
    aimless = replace(plan, workload=replace(plan.workload, ttft_ms=None, tpot_ms=None))
    assert not {"TtftOverTarget", "TpotOverTarget"} & set(of(aimless))
    ollama = watched("ollama")
    slots = ollama.estimate.candidate.max_in_flight
    assert f"front_in_flight > {slots + 8} " in of(ollama)["QueueGrowing"].expr
    assert not {"TpotOverTarget", "KvCacheNearlyFull", "Preemptions", "EngineDown"} & set(of(ollama))


def started(service: dict[str, Any], folder: Path, password: str) -> subprocess.CompletedProcess[str]:
    """What Grafana's container runs, with that password; the words that start Grafana itself only say so."""
    words = [word.replace("$$", "$").replace("exec /run.sh", "echo started") for word in service["entrypoint"]]
    place = {"GF_PATHS_PROVISIONING": str(folder)}
    env = {"PATH": "/usr/bin:/bin", "GRAFANA_PASSWORD": password, **place}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=env)


def provisioned(service: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What its two readers find at the start, which is one text."""
    assert service["environment"]["GF_PATHS_PROVISIONING"].startswith("/tmp/") and "/tmp" in service["tmpfs"]
    assert started(service, folder, "secret").returncode == 0
    found = [yaml.safe_load((folder / kind / "advisor.yml").read_text()) for kind in ("datasources", "dashboards")]
    assert found[0] == found[1] and found[0]["apiVersion"] == 1
    told: dict[str, Any] = found[0]
    return told


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_dashboard_is_grafanas(engine: str, tmp_path: Path) -> None:
    """The file is JSON with distinct panels on a grid of 24 columns, each query with its own letter and data source."""
    plan = watched(engine)
    texts = {file.path: file.text for file in render(plan)}
    document = json.loads(texts["monitoring/grafana/dashboards/advisor.json"])
    panels = document["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 5
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    services = yaml.safe_load(texts["compose.yaml"])["services"]
    told = provisioned(services["grafana"], tmp_path)
    source, provider = told["datasources"][0], told["providers"][0]
    assert len(document["uid"]) <= 40 and re.fullmatch(r"[a-zA-Z0-9_-]+", document["uid"])
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 and panel["targets"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}
    mounts = {mount["target"]: mount["source"] for mount in services["grafana"]["volumes"] if isinstance(mount, dict)}
    assert mounts[provider["options"]["path"]] == "./monitoring/grafana/dashboards"
    assert source["url"] == "http://prometheus:9090"


@pytest.mark.parametrize("engine", list(ENGINES))
def test_grafana_has_no_password_of_ours(engine: str, tmp_path: Path) -> None:
    """The password comes from grafana.env, which the gateway does not get, and without it the container ends instead of starting."""
    texts = {file.path: file.text for file in render(watched(engine))}
    service = yaml.safe_load(texts["compose.yaml"])["services"]["grafana"]
    assert service["env_file"] == [{"path": "grafana.env", "required": False}]
    assert "PASSWORD" not in str(service["environment"]) and "grafana.env" in texts[".env.example"]
    for password, code in (("", 1), ("secret", 0)):
        done = started(service, tmp_path, password)
        assert done.returncode == code and ("started" in done.stdout) == (code == 0)


@given(ANY_TEXT)
def test_any_string_survives_json(text: str) -> None:
    """A title comes out of the dashboard as it went in."""
    assert json.loads(quoting.json_text(text)) == text


@given(ANY_TEXT)
def test_any_string_survives_an_annotation(text: str) -> None:
    """YAML gives back one string in which a Go template finds nothing but an escaped opening of a template."""
    found = yaml.safe_load(quoting.alert(text))
    assert found.replace('{{"{{"}}', "{{") == text
    assert "{{" not in found.replace('{{"{{"}}', "")


# --- judged by promtool ---------------------------------------------------------------------------------------------


def promtool(*words: str, cwd: Path) -> str:
    """promtool's words; a refusal fails with them."""
    done = subprocess.run([tool("promtool"), *words], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def checked(folder: Path) -> None:
    """The rules and the configurations that there are, in the folder `monitoring`: over machines there is no Compose."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml", cwd=folder)
    promtool("check", "config", "prometheus.native.yml", cwd=folder)
    # The container's path of the rules does not exist here.
    if (folder / "prometheus.yml").exists():
        promtool("check", "config", "--syntax-only", "prometheus.yml", cwd=folder)


@pytest.mark.external
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_promtool_takes_the_files_of_every_scenario(scenario: str, rendered: Callable[[str], Path]) -> None:
    """Configuration and rules of a scenario's folder."""
    for rules in rendered(scenario).rglob("rules.yml"):
        checked(rules.parent)


@pytest.mark.external
@pytest.mark.parametrize("engine", list(ENGINES))
def test_promtool_takes_hostile_names(engine: str, tmp_path: Path) -> None:
    """A served name full of quotes, braces and templates breaks neither file, and arrives in the dashboard's title."""
    plan = watched(engine)
    name = "a \"b\" {{ $labels.x }} 'c' $d \\n #e: {$HOME} `f`"
    plan = replace(plan, launch=replace(plan.launch, served_name=name))
    folder = written(plan, tmp_path) / "monitoring"
    checked(folder)
    assert name in json.loads((folder / "grafana" / "dashboards" / "advisor.json").read_text())["title"]


def series(values: dict[str, str]) -> list[dict[str, str]]:
    """Input of `promtool test rules`."""
    return [{"series": name, "values": text} for name, text in values.items()]


FRONT = 'job="gateway",handler="subroute",server="srv1"'
ASKED = "caddy_http_request_duration_seconds_count{" + FRONT + ',code="CODE",method="POST"}'
FIRST = "caddy_http_response_duration_seconds_bucket{" + FRONT + ',code="200",method="POST",le="LE"}'
IN_FLIGHT = "caddy_http_requests_in_flight{" + FRONT + "}"
REACHED = 'caddy_reverse_proxy_upstreams_healthy{job="gateway",upstream="engine:8000"}'


def code(number: int) -> str:
    """The series of requests with that answer."""
    return ASKED.replace("CODE", str(number))


def vllm(name: str, **labels: str) -> str:
    """A series of vLLM."""
    inside = ",".join(f'{key}="{text}"' for key, text in {"job": "engine", "engine": "0", **labels}.items())
    return f"vllm:{name}{{{inside}}}"


def buckets(name: str, slow: bool) -> dict[str, str]:
    """A histogram whose answers all fall below 0.01 s, or between 2.5 and 5."""
    quick = "0+0x80" if slow else "0+60x80"
    return {
        vllm(f"{name}_bucket", le="0.01"): quick,
        vllm(f"{name}_bucket", le="2.5"): quick,
        vllm(f"{name}_bucket", le="5.0"): "0+60x80",
        vllm(f"{name}_bucket", le="+Inf"): "0+60x80",
    }


def healthy(engine: str) -> dict[str, str]:
    """Eighty minutes in which all is well."""
    front = {
        'up{job="gateway"}': "1x80", REACHED: "1x80", code(200): "0+60x80", code(503): "0x80", code(502): "0x80",
        IN_FLIGHT: "4x80", FIRST.replace("LE", "0.5"): "0+60x80", FIRST.replace("LE", "+Inf"): "0+60x80",
    }  # fmt: skip
    front |= MACHINE
    if engine == "ollama":
        return front
    return front | {
        'up{job="engine"}': "1x80",
        vllm("num_requests_running"): "4x80", vllm("num_requests_waiting"): "0x80", vllm("kv_cache_usage_perc"): "0.4x80",
        vllm("num_preemptions_total"): "0x80", vllm("prompt_tokens_total"): "0+6000x80",
        vllm("generation_tokens_total"): "0+3000x80",
        **buckets("time_to_first_token_seconds", False), **buckets("request_time_per_output_token_seconds", False),
    }  # fmt: skip


DISK = '{job="node",fstype="ext4",mountpoint="/"}'
CARD = '{job="gpu",gpu="0"}'
MACHINE = {
    "node_filesystem_avail_bytes" + DISK: "400x80", "node_filesystem_size_bytes" + DISK: "1000x80",
    'node_memory_MemAvailable_bytes{job="node"}': "400x80", 'node_memory_MemTotal_bytes{job="node"}': "1000x80",
    "DCGM_FI_DEV_XID_ERRORS" + CARD: "0x80", "DCGM_FI_DEV_GPU_TEMP" + CARD: "60x80",
}  # fmt: skip
OF_HOST = {
    "DiskNearlyFull": {"node_filesystem_avail_bytes" + DISK: "20x80"},
    "HostMemoryLow": {'node_memory_MemAvailable_bytes{job="node"}': "20x80"},
    "CardFaults": {"DCGM_FI_DEV_XID_ERRORS" + CARD: "0x50 79x30"},
    "CardHot": {"DCGM_FI_DEV_GPU_TEMP" + CARD: "95x80"},
}
LABELS = {  # of the series that an alert is about
    "EngineDown": {"job": "engine"},
    "GatewayDown": {"job": "gateway"},
    "DiskNearlyFull": {"job": "node", "fstype": "ext4", "mountpoint": "/"},
    "HostMemoryLow": {"job": "node"},
    "CardFaults": {"job": "gpu", "gpu": "0"},
    "CardHot": {"job": "gpu", "gpu": "0"},
}
FAULTS: dict[str, dict[str, dict[str, str]]] = {
    "vllm": {
        "EngineDown": {'up{job="engine"}': "1x10 0x70"},
        "EngineUnreachable": {REACHED: "1x10 0x70"},
        "GatewayDown": {'up{job="gateway"}': "1x10 0x70"},
        "QueueGrowing": {vllm("num_requests_waiting"): "0+1x80"},
        "KvCacheNearlyFull": {vllm("kv_cache_usage_perc"): "0.99x80"},
        "Preemptions": {vllm("num_preemptions_total"): "0+6x80"},
        "NoProgress": {vllm("prompt_tokens_total"): "100x80", vllm("generation_tokens_total"): "100x80"},
        "TtftOverTarget": buckets("time_to_first_token_seconds", True),
        "TpotOverTarget": buckets("request_time_per_output_token_seconds", True),
        "RequestsFail": {code(502): "0+6x80"},
        "RequestsRefused": {code(503): "0+6x80"},
        **OF_HOST,
    },
    "ollama": {
        "EngineUnreachable": {REACHED: "1x10 0x70"},
        "GatewayDown": {'up{job="gateway"}': "1x10 0x70"},
        "QueueGrowing": {IN_FLIGHT: "0+1x80"},
        "NoProgress": {code(200): "100x80"},
        "TtftOverTarget": {FIRST.replace("LE", "0.5"): "0x80", FIRST.replace("LE", "5"): "0+60x80"},
        "RequestsFail": {code(500): "0+6x80"},
        "RequestsRefused": {code(503): "0+6x80"},
        **OF_HOST,
    },
}


def rule_tests(engine: str, made: Monitoring) -> dict[str, Any]:
    """One healthy hour in which nothing fires, and one hour a fault in which its alert does."""

    def fires(alert: Alert) -> dict[str, Any]:
        summary = f"{made.title}: {alert.summary}"
        return {"exp_labels": {"severity": alert.severity}, "exp_annotations": {"summary": summary, "todo": alert.todo}}

    quiet = [{"eval_time": "60m", "alertname": alert.name, "exp_alerts": []} for alert in made.alerts]
    tests: list[dict[str, Any]] = [
        {"name": "all is well", "interval": "1m", "input_series": series(healthy(engine)), "alert_rule_test": quiet}
    ]
    by_name = {alert.name: alert for alert in made.alerts}
    for name, fault in FAULTS[engine].items():
        expected = fires(by_name[name])
        expected["exp_labels"] |= LABELS.get(name, {})
        tests.append({
            "name": name, "interval": "1m", "input_series": series(healthy(engine) | fault),
            "alert_rule_test": [{"eval_time": "60m", "alertname": name, "exp_alerts": [expected]}],
        })  # fmt: skip
    return {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": tests}


@pytest.mark.external
@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_alert_fires_on_its_fault_and_on_nothing_else(engine: str, tmp_path: Path) -> None:
    """`promtool test rules`: each alert fires in an hour of its fault, and none in an hour in which all is well."""
    plan = watched(engine)
    folder = written(plan, tmp_path) / "monitoring"
    made = part.facts(plan)
    assert set(FAULTS[engine]) == {alert.name for alert in made.alerts}
    (folder / "tests.yml").write_text(yaml.safe_dump(rule_tests(engine, made), sort_keys=False))
    assert "SUCCESS" in promtool("test", "rules", "tests.yml", cwd=folder)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_alerts_go_to_an_alertmanager_that_is_there(engine: str) -> None:
    """Prometheus, in Compose and on the machine, names the Alertmanager of this folder, and that has one receiver."""
    texts = {
        file.path: file.text
        for file in render(replace(watched(engine), parts=(*WAYS.values(), *watched(engine).parts)))
    }
    services = yaml.safe_load(texts["compose.yaml"])["services"]
    for file, host in (("prometheus.yml", "alertmanager"), ("prometheus.native.yml", "127.0.0.1")):
        told = yaml.safe_load(texts[f"monitoring/{file}"])["alerting"]["alertmanagers"]
        assert told == [{"static_configs": [{"targets": [f"{host}:9093"]}]}]
    assert set(services["prometheus"]["networks"]) & set(services["alertmanager"]["networks"])
    assert services["alertmanager"]["ports"] == ["127.0.0.1:9093:9093"]
    made = yaml.safe_load(texts["monitoring/alertmanager.yml"])
    assert made["route"]["receiver"] == made["receivers"][0]["name"] and len(made["receivers"]) == 1
    assert "/api/v2/alerts" in texts["docs/operations.md"] and "contact points" not in texts["docs/operations.md"]
