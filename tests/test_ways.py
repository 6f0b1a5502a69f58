"""One way to run it: the folder holds what this machine and this answer need, and the other ways come when asked for."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.checklist.table import ALONE_ROWS, SERVER_ROWS, table
from advisor.cli import main
from advisor.deploy import PARTS
from advisor.engines.ways import WAYS, usual_way, ways_of
from advisor.errors import BadInput
from advisor.folder.saved import read_plan
from advisor.pipeline import files_of, recommend
from advisor.plan import with_way
from advisor.schema import Containers, Plan
from tests.scenarios import SCENARIOS, answer

MODEL = "Qwen/Qwen2.5-7B-Instruct"
WORDS = {  # by which a way shows in the text of a folder
    "compose": ("docker compose", "compose.yaml"),
    "native": ("run.sh", "stop.sh"),
    "systemd": ("/etc/systemd/system",),
    "quadlet": ("podman ", "/etc/containers"),
    "kubernetes": ("kubectl",),
}


def planned(gpu: str = "RTX 4090", **asked: object) -> Plan:
    """The plan of a load on named cards."""
    made = recommend(profile=None, overrides={"model": MODEL, "offline": True, **asked}, gpu=gpu).plan
    assert made is not None
    return made


def texts(plan: Plan) -> dict[str, str]:
    """Path → text of every file."""
    return {file.path: file.text for file in files_of(plan)}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_folder_is_small(scenario: str) -> None:
    """8 files for one person, 16 for a team on Compose, 24 for both engines (other ways of running a few more)."""
    plan = answer(scenario).plan
    if plan is None:
        pytest.skip("nothing runs")
    files = texts(plan)
    most = 24 if plan.desk else 16 if plan.serves_others else 8
    more = {"nodes": 4, "quadlet": 4, "native": 1 if plan.serves_others else 0}
    assert len(files) + 1 <= most + sum(more.get(part, 0) for part in plan.parts)  # with the manifest
    assert len(files["README.md"].splitlines()) <= 60
    assert plan.serves_others or not {"checks.sh", "docs/operations.md", ".gitignore"} & set(files)


def test_a_team_of_either_engine_has_sixteen_files_on_compose() -> None:
    """Behind a name, with a gateway, monitoring and a script that changes the engine's version."""
    for engine in ("vllm", "ollama"):
        files = texts(planned(users=8, engine=engine, run="compose", host="llm.example.org"))
        assert len(files) + 1 <= 16, (engine, sorted(files))


MADE = (  # what programs, scripts and people put into a folder, none of it for others to read
    ".env", "engine.env", "gateway.env", "grafana.env", "nodes/nodes.env", "desk/.env", "state/engine.log",
    "state/before/way", "gateway/keys/people/0123.json", "offline/carry/models/hub/blobs/1", "offline/save.log",
    "model.Q4_K_M.gguf", "models/hub/blobs/1", "check/report.json", "smoke/report.md", "README.md.bak-1",
    ".advisor-0123abcd/plan.json",
)  # fmt: skip


def test_keys_logs_and_weights_stay_out_of_a_repository(tmp_path: Path) -> None:
    """git itself ignores what is made later, and none of the files that are written, whatever the ways and parts."""
    plan = planned(users=50, engine="both", parts="all", run="all")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(texts(plan)[".gitignore"])
    asked = "\n".join((*MADE, *texts(plan), *texts(planned(gpu="2x RTX 4090", users=50, nodes=2))))
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--stdin"], input=asked, capture_output=True, text=True, check=True
    )
    assert set(told.stdout.splitlines()) == set(MADE)


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("users", [1, 50])
@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_nothing_of_another_way(way: str, users: int, engine: str) -> None:
    """Files, README, operations and checklist speak of the one way, and README stays within 60 lines."""
    files = texts(planned(run=way, users=users, engine=engine))
    plan = json.loads(files.pop("plan.json"))
    assert [part for part in plan["parts"] if part in WAYS.values()] == [WAYS[way]]
    pages = {path: text for path, text in files.items() if path.endswith(".md") or path == "checks.sh"}
    for other, words in WORDS.items():
        told = [(path, word) for path, text in pages.items() for word in words if word in _without_commands(text)]
        assert other == WAYS[way] or not told
    assert len(files["README.md"].splitlines()) <= 60


def _without_commands(text: str) -> str:
    """A page without what points to other ways, and without logs that a command looks for wherever they are."""
    skipped = ("--run native", "docker compose logs engine 2>/dev/null")
    return "\n".join(line for line in text.splitlines() if not any(word in line for word in skipped))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_checklist_is_read_in_a_minute(scenario: str) -> None:
    """At most 12 rows for one person, 25 for a server, and no check is lost."""
    plan = answer(scenario, run="all").plan
    if plan is None:
        pytest.skip("nothing runs")
    found = table(plan)
    most = SERVER_ROWS if plan.serves_others else ALONE_ROWS
    assert len(found.before) + len(found.after) + bool(found.rest) <= most
    said = " ".join(row.otherwise for row in (*found.before, *found.after))
    assert all(check.id in found.rest or check.otherwise in said for check in plan.checks)


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_a_cluster_is_not_asked_about_this_machine(engine: str) -> None:
    """Where pods run elsewhere, no line looks at this machine, its .env or files that are not there; both tables have rows."""
    plan = planned(run="kubernetes", users=50, engine=engine, model="meta-llama/Llama-3.1-8B-Instruct")
    assert not [check.id for check in plan.checks if check.command]
    page = texts(plan)["CHECKLIST.md"]
    for word in (
        ".env",
        "127.0.0.1",
        "THIS-MACHINE",
        "ADVISOR_BIND",
        "alertmanager.yml",
        "prometheus.native",
        "nvidia-smi",
    ):
        assert word not in page
    found = table(plan)
    assert len(found.before) >= 8 and found.after
    both = planned(run="kubernetes,compose", users=50, engine=engine)
    assert {"key", "kubernetes-secret-key"} <= {check.id for check in both.checks}


def test_like_cards_share_a_row() -> None:
    """Eight cards take as many rows as one, and every number stands in them."""
    plan = answer("batch-rtx-4090-x8").plan
    rows = table(plan).before if plan else ()
    facts = [row.fact for row in rows if " is a NVIDIA GeForce RTX 4090" in row.fact]
    assert facts == [f"GPU {', '.join(map(str, range(8)))} is a NVIDIA GeForce RTX 4090"]


@pytest.mark.parametrize(
    ("found", "users", "way"),
    [
        (Containers(engine="docker", engine_version="28.5.2", compose_version="2.40.3"), 1, "compose"),
        (Containers(engine="docker", engine_version="28.5.2"), 50, "native"),
        (Containers(engine="podman", engine_version="5.7.0", compose_version="1.5.0"), 50, "podman"),
        (Containers(engine="podman", engine_version="5.7.0"), 1, "native"),
        (Containers(), 50, "native"),
    ],
)
def test_the_machine_says_the_way(found: Containers, users: int, way: str) -> None:
    """Compose where Docker has it, Podman for others where only Podman is, else the machine's own programs."""
    plan = planned(users=users)
    assert usual_way(replace(plan, hardware=replace(plan.hardware, containers=found))) == way


@pytest.mark.parametrize("gpu", ["M3 Max 64GB"])
def test_a_mac_runs_natively(gpu: str) -> None:
    """No compose.yaml where containers get no GPU, and asking for it says why not."""
    assert "compose.yaml" not in texts(planned(gpu))
    with pytest.raises(BadInput, match=r"--run compose: no image"):
        planned(gpu, run="compose")


def test_every_way_when_asked_for() -> None:
    """`--parts all` and `--run all` write every way; names of ways may stand among the parts."""
    assert set(WAYS.values()) <= set(planned(parts="all").parts)
    assert set(ways_of(planned(run="all"))) == set(WAYS.values())
    assert ways_of(planned(parts="gateway,systemd")) == ("systemd",)
    assert planned(parts="none", users=50).parts == ("compose",)


@pytest.mark.parametrize("way", list(WAYS))
def test_another_way_is_added_later(way: str, tmp_path: Path) -> None:
    """`advisor render plan.json --run WAY` adds its files, keeps the others, and the plan remembers."""
    path = tmp_path / "plan.json"
    path.write_text(texts(planned(users=50, run="compose"))["plan.json"])
    with pytest.raises(SystemExit) as ended:
        main(["render", str(path), "--run", way, "--force"])
    assert ended.value.code == 0
    assert set(ways_of(read_plan(path))) == {"compose", WAYS[way]}
    assert (tmp_path / "compose.yaml").is_file()


def test_a_way_that_cannot_be_had_is_refused() -> None:
    """With the reason, also when it is to be added to a plan."""
    with pytest.raises(BadInput, match="--run kubernetes"):
        with_way(planned("M3 Max 64GB"), "kubernetes")


def test_a_plan_has_each_part_once_in_the_registrys_order() -> None:
    """Adding a way twice changes nothing."""
    plan = with_way(planned(users=50), "kubernetes")
    assert with_way(plan, "kubernetes") == plan
    assert list(plan.parts) == [name for name in PARTS if name in plan.parts]


def test_a_host_name_makes_it_https() -> None:
    """`--host` exposes the service and stands in .env.example and README; without it README says what travels openly."""
    files = texts(planned(users=50, host="llm.example.org"))
    assert (
        "\nADVISOR_HOSTNAME=llm.example.org\n" in files[".env.example"]
        and "\nADVISOR_PORT=443\n" in files[".env.example"]
    )
    assert "https://llm.example.org/v1" in files["README.md"] and "in the clear" not in files["README.md"]
    assert "in the clear" in texts(planned(users=50, exposed=True))["README.md"]
    for wrong in ("a b", "x;y", "-a.org", "https://a.org", "a..b", "$HOME"):
        with pytest.raises(BadInput, match="host"):
            planned(host=wrong)


def test_an_air_gapped_folder_downloads_nothing() -> None:
    """Its pages speak of no download, its .env is begun by load.sh; --offline alone still downloads at the start."""
    for way in WAYS:
        made = texts(planned(users=50, run=way, air_gapped=True))
        assert "offline/load.sh" in made and "downloads" not in made["README.md"]
        assert way == "kubernetes" or "cp .env.example" not in made["README.md"]
    assert "offline/load.sh" not in texts(planned(users=50)) and "downloads" in texts(planned(users=50))["README.md"]


def test_an_older_plan_that_says_offline_is_air_gapped(tmp_path: Path) -> None:
    """Before the two options the one word meant that the deployment never reaches out, and every plan had two ways."""
    data = json.loads(texts(planned(users=2))["plan.json"])
    for key in ("run", "air_gapped", "host"):
        del data["workload"][key]
    data["parts"] = ["gateway", "offline"]
    (tmp_path / "plan.json").write_text(json.dumps(data))
    plan = read_plan(tmp_path / "plan.json")
    assert plan.workload.air_gapped and ways_of(plan) == ("compose", "native")


def test_purge_removes_what_run_made(tmp_path: Path) -> None:
    """`./stop.sh --purge` takes ./state away and leaves .env; another word is refused."""
    for path in ("stop.sh", ".env", "state/engine.log"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "stop.sh").write_text(texts(planned(run="native"))["stop.sh"])
    assert subprocess.run(["bash", "stop.sh", "--other"], cwd=tmp_path, check=False).returncode == 2
    assert (tmp_path / "state").is_dir()
    assert subprocess.run(["bash", "stop.sh", "--purge"], cwd=tmp_path, check=False).returncode == 0
    assert not (tmp_path / "state").exists() and (tmp_path / ".env").exists()
