"""run.sh and stop.sh, really run, around a small program that behaves like an engine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.errors import BadInput
from advisor.folder.write import write_tree
from advisor.render import render
from advisor.schema import Plan
from tests.engines.engine_cases import first_plan, tool

# Serves on the port it is told, keeps a child in its process group, and on SIGTERM lets a request in flight finish
# before it ends. As `ollama` it also takes the client's commands and writes them down.
ENGINE = """#!{python}
import http.server, json, os, signal, subprocess, sys, threading, time
home = os.environ["ENGINE_HOME"]
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
if words[1] == "--version":
    print(words[0], "version is", os.environ.get("ENGINE_VERSION", "99.0"))
    sys.exit(0)
with open(f"{{home}}/calls", "a") as calls:
    calls.write(json.dumps(words) + "\\n")
if words[1] != "serve":
    sys.exit(1 if words[1] == "show" else 0)
if os.environ.get("ENGINE_DIES"):
    print("general.name str = a\\033]0;title\\007\\033[2J\\u009b2J")  # of a model's file
    print("out of memory, says the engine", flush=True)
    sys.exit(3)
with open(f"{{home}}/env", "w") as seen:
    json.dump(dict(os.environ), seen)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(f"{{home}}/child", "w").write(str(child.pid))
address = os.environ.get("OLLAMA_HOST") or "127.0.0.1:" + words[words.index("--port") + 1]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            open(f"{{home}}/slow", "w").write("begun")
            time.sleep(2)
        self.send_response(200); self.end_headers(); self.wfile.write(b"done")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(address.rsplit(":", 1)[1])), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""


@pytest.fixture
def port() -> int:
    """A port for the engine."""
    return free()


def free() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the stand-in engine under both names."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("vllm", "ollama"):
        (folder / name).write_text(ENGINE.format(python=sys.executable))
        (folder / name).chmod(0o755)
    return folder


def on_port(plan: Plan, port: int) -> Plan:
    """The plan with another port."""
    old, new = str(plan.launch.port), str(port)
    argv = tuple(new if word == old else word for word in plan.launch.argv)
    env = {key: text.replace(old, new) for key, text in plan.launch.env.items()}
    return replace(plan, launch=replace(plan.launch, port=port, argv=argv, env=env, startup_s=30, drain_s=20))


class Deployment:
    """A rendered folder, with the stand-in engine first on PATH."""

    def __init__(self, plan: Plan, folder: Path, programs: Path) -> None:
        self.plan, self.folder, self.programs = plan, folder, programs
        for file in render(plan):
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)
            path.chmod(0o755 if file.executable else 0o644)

    def call(self, script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script to its end."""
        return self.typed('exec bash "$0" "$@"', str(self.folder / script), *words, cwd="/", **env)

    def typed(
        self, line: str, *words: str, cwd: Path | str | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run what somebody types in the folder, to its end."""
        known = {
            "PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "ENGINE_HOME": str(self.folder),
        }
        return subprocess.run(
            ["bash", "-c", line, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=known | env,
            cwd=cwd or self.folder,
        )

    def calls(self) -> list[list[str]]:
        """What the engine was called with."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def pid(self) -> int:
        """The engine's process."""
        return int((self.folder / "state" / "engine.pid").read_text())


@pytest.fixture(params=["vllm", "ollama"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path, programs: Path, port: int) -> Iterator[Deployment]:
    """A folder of each engine, stopped at the end whatever happened."""
    made = Deployment(on_port(first_plan(request.param, "rtx-4090"), port), tmp_path / "deploy here", programs)
    yield made
    made.call("stop.sh")


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected does not."""
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0].startswith("Z")
    except OSError:
        return False


def test_start_use_and_stop(deployment: Deployment) -> None:
    """run.sh starts exactly what was planned; stop.sh ends it and its children."""
    started = deployment.call("run.sh")
    assert started.returncode == 0, started.stderr
    plan = deployment.plan
    assert f"ready: http://127.0.0.1:{plan.launch.port}/v1, model qwen2.5-7b-instruct" in started.stderr
    assert deployment.calls()[0] == [*plan.launch.program, *plan.launch.argv]
    seen = json.loads((deployment.folder / "env").read_text())
    assert {key: seen[key] for key in plan.launch.env} == dict(plan.launch.env)
    pid, child = deployment.pid(), int((deployment.folder / "child").read_text())
    assert alive(pid) and alive(child)
    stopped = deployment.call("stop.sh")
    assert stopped.returncode == 0 and "stopped" in stopped.stderr
    assert not alive(pid) and not alive(child)
    assert not (deployment.folder / "state" / "engine.pid").exists()


def test_second_start_says_that_it_runs(deployment: Deployment) -> None:
    """A second run.sh starts nothing and says so."""
    deployment.call("run.sh")
    pid = deployment.pid()
    again = deployment.call("run.sh")
    assert again.returncode == 0 and "already running" in again.stderr
    assert deployment.pid() == pid and alive(pid)


def test_requests_in_flight_finish(deployment: Deployment) -> None:
    """A request that is being answered when stop.sh comes gets its answer."""
    deployment.call("run.sh")
    url = f"http://127.0.0.1:{deployment.plan.launch.port}/slow"
    with subprocess.Popen(["curl", "-fsS", url], stdout=subprocess.PIPE, text=True) as client:
        for _ in range(100):
            if (deployment.folder / "slow").exists():
                break
            time.sleep(0.1)
        deployment.call("stop.sh")
        answer, _ = client.communicate(timeout=30)
    assert answer == "done" and client.returncode == 0


def test_a_dying_engine_is_reported_with_its_last_words(deployment: Deployment) -> None:
    """When the engine ends at start, run.sh fails, shows the log, and leaves nothing to stop."""
    started = deployment.call("run.sh", ENGINE_DIES="1")
    assert started.returncode == 1 and "out of memory, says the engine" in started.stderr
    assert "general.name str = a^[]0;title^G" in started.stderr and not re.search("[\x07\x1b\x9b]", started.stderr)
    assert "nothing to stop" in deployment.call("stop.sh").stderr


def test_a_taken_port_is_refused(deployment: Deployment) -> None:
    """run.sh does not start beside something that already listens there."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", deployment.plan.launch.port))
        other.listen()
        started = deployment.call("run.sh")
    assert started.returncode == 1 and "is taken" in started.stderr
    assert not (deployment.folder / "calls").exists()


def test_a_missing_program_is_named(deployment: Deployment) -> None:
    """Without the engine's program run.sh says what to install, and which version."""
    for name in ("vllm", "ollama"):
        (deployment.programs / name).unlink()
    started = deployment.call("run.sh", PATH=f"{deployment.programs}:/usr/bin:/bin")
    assert started.returncode == 1 and "is not installed" in started.stderr
    assert deployment.plan.engine_version in started.stderr


def test_another_program_with_the_old_number_is_left_alone(deployment: Deployment) -> None:
    """A process id that was given to somebody else meanwhile must not be stopped."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander:
        state = deployment.folder / "state"
        state.mkdir()
        (state / "engine.pid").write_text(f"{bystander.pid}\n")
        (state / "engine.started").write_text("Thu Jan  1 00:00:00 1970\n")
        stopped = deployment.call("stop.sh")
        assert stopped.returncode == 0 and "left alone" in stopped.stderr
        assert alive(bystander.pid)
        os.kill(bystander.pid, signal.SIGKILL)


def test_the_model_is_fetched_named_and_loaded(tmp_path: Path, programs: Path, port: int) -> None:
    """Ollama's run.sh pulls the tag when it is not there, logs its digest, creates the planned name, and loads it."""
    made = Deployment(on_port(first_plan("ollama", "rtx-4090"), port), tmp_path / "d", programs)
    assert made.call("run.sh").returncode == 0
    made.call("stop.sh")
    assert made.calls()[1:] == [
        ["ollama", "show", "qwen2.5:7b"],
        ["ollama", "pull", "qwen2.5:7b"],
        ["ollama", "list", "qwen2.5:7b"],
        ["ollama", "show", "qwen2.5-7b-instruct"],
        ["ollama", "create", "qwen2.5-7b-instruct", "-f", str(made.folder / "Modelfile")],
        ["ollama", "run", "qwen2.5-7b-instruct", ""],
    ]


def exposed(engine: str, port: int) -> Plan:
    """A plan that others reach, with its gateway."""
    return replace(on_port(first_plan(engine, "rtx-4090", "production"), port), parts=("gateway",))


def test_an_address_for_others_without_a_key_is_refused(tmp_path: Path, programs: Path, port: int) -> None:
    """run.sh stops before anything starts when .env opens the gateway and holds no key, or one that is too short."""
    made = Deployment(exposed("vllm", port), tmp_path / "d", programs)
    for env, words in (
        ("ADVISOR_BIND=0.0.0.0\n", "ADVISOR_API_KEY is not set"),
        ("ADVISOR_API_KEY=short\n", "shorter than 16"),
        ("ADVISOR_API_KEY=0123456789abcdef\n", "caddy is not installed"),
    ):
        (made.folder / ".env").write_text(env)
        refused = made.call("run.sh", PATH=f"{programs}:/usr/bin:/bin")
        assert refused.returncode == 1 and words in refused.stderr
    assert not (made.folder / "state").exists()


def test_without_a_key_only_the_engine_starts(tmp_path: Path, programs: Path, port: int) -> None:
    """Nobody asked for the gateway: the engine starts on loopback, and run.sh says so."""
    made = Deployment(exposed("vllm", port), tmp_path / "d", programs)
    started = made.call("run.sh")
    assert started.returncode == 0 and "the gateway stays off" in started.stderr
    assert not (made.folder / "state" / "gateway.pid").exists()
    assert made.call("stop.sh").returncode == 0


@pytest.mark.external
@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_the_gateway_stands_beside_the_engine(tmp_path: Path, programs: Path, port: int, engine: str) -> None:
    """With a key run.sh starts a real Caddy, no other process gets the key, and a stop lets a request through it finish."""
    made = Deployment(exposed(engine, port), tmp_path / "deploy here", programs)
    front, metrics = free(), free()
    (programs / "caddy").symlink_to(tool("caddy"))
    key = "0123456789abcdef-key"
    env = f"ADVISOR_API_KEY={key}\nADVISOR_PORT={front}\nADVISOR_METRICS_PORT={metrics}\nADVISOR_BIND=\n"
    (made.folder / ".env").write_text(env)
    # The stand-in engine answers slowly at one path, which the gateway's list must hold for this test.
    caddyfile = made.folder / "gateway" / "Caddyfile"
    caddyfile.write_text(caddyfile.read_text().replace('"/v1/models"', '"/v1/models", "/slow"'))
    try:
        started = made.call("run.sh")
        assert started.returncode == 0, started.stderr
        assert f"http://127.0.0.1:{front}/v1" in started.stderr
        assert "ADVISOR_API_KEY" not in json.loads((made.folder / "env").read_text())
        gateway = int((made.folder / "state" / "gateway.pid").read_text())
        assert key.encode() not in Path(f"/proc/{gateway}/cmdline").read_bytes()
        ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {key}"]
        base = f"http://127.0.0.1:{front}"
        with subprocess.Popen([*ask, f"{base}/slow"], stdout=subprocess.PIPE, text=True) as slow:
            while not (made.folder / "slow").exists():
                time.sleep(0.05)
            stopped = made.call("stop.sh")
            assert stopped.returncode == 0 and slow.communicate()[0] == "200"
        assert not alive(gateway) and not (made.folder / "state" / "gateway.pid").exists()
    finally:
        made.call("stop.sh")


def kill(folder: Path, name: str) -> None:
    """What a crash or the kernel's memory killer does to one of the two, with all of its group."""
    pid = int((folder / "state" / f"{name}.pid").read_text())
    os.killpg(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.05)


@pytest.fixture
def fronted(tmp_path: Path, programs: Path, port: int) -> Iterator[Deployment]:
    """An engine with a real gateway, started; stopped at the end whatever happened."""
    made = Deployment(exposed("vllm", port), tmp_path / "d", programs)
    (programs / "caddy").symlink_to(tool("caddy"))
    secrets = "HF_TOKEN=hf_of-the-engine\nGRAFANA_PASSWORD=of-nobody-here\n"
    ports = f"ADVISOR_PORT={free()}\nADVISOR_METRICS_PORT={free()}\n"
    (made.folder / ".env").write_text("ADVISOR_API_KEY=0123456789abcdef-key\n" + secrets + ports)
    started = made.call("run.sh")
    assert started.returncode == 0, started.stderr
    yield made
    made.call("stop.sh")


@pytest.mark.external
def test_a_dead_gateway_is_started_again(fronted: Deployment) -> None:
    """After a crash of the gateway alone run.sh starts it and lets the engine, which works, go on."""
    engine = fronted.pid()
    kill(fronted.folder, "gateway")
    again = fronted.call("run.sh")
    assert again.returncode == 0 and "starting the gateway" in again.stderr, again.stderr
    assert fronted.pid() == engine and alive(engine)
    assert alive(int((fronted.folder / "state" / "gateway.pid").read_text()))


@pytest.mark.external
def test_a_new_key_counts_after_the_command_that_the_folder_names(fronted: Deployment) -> None:
    """docs/operations.md says how the gateway alone is started again: the second key lets in then, the engine goes on."""
    told = (fronted.folder / "docs/operations.md").read_text()
    found = re.search(r"^- `run.sh`: `(.+)`$", told, re.MULTILINE)
    assert found, told
    engine, front = fronted.pid(), (fronted.folder / "state/gateway.pid").read_text()
    with (fronted.folder / ".env").open("a") as env:
        env.write("ADVISOR_API_KEY_NEXT=the-second-of-two-keys\n")
    again = fronted.typed(found[1])
    assert again.returncode == 0, again.stderr
    assert fronted.pid() == engine and (fronted.folder / "state/gateway.pid").read_text() != front
    gateway = int((fronted.folder / "state/gateway.pid").read_text())
    assert "ADVISOR_API_KEY_NEXT=the-second-of-two-keys" in Path(f"/proc/{gateway}/environ").read_bytes().decode()


@pytest.mark.external
def test_a_dead_engine_is_started_again_and_its_last_words_stay(fronted: Deployment) -> None:
    """After a crash of the engine run.sh ends the gateway that was left, starts both, and keeps the log of the crash."""
    before, state = fronted.pid(), fronted.folder / "state"
    (state / "engine.log").write_text("the last words\n")
    kill(fronted.folder, "engine")
    again = fronted.call("run.sh")
    assert again.returncode == 0, again.stderr
    assert fronted.pid() != before and alive(fronted.pid())
    assert (state / "engine.log.1").read_text() == "the last words\n" and (state / "gateway.log.1").exists()


@pytest.mark.external
def test_secrets_reach_only_whom_they_are_for(fronted: Deployment) -> None:
    """The engine sees the Hub's token and no key; the gateway sees the key and no token; Grafana's password nobody."""
    engine = json.loads((fronted.folder / "env").read_text())
    gateway = int((fronted.folder / "state" / "gateway.pid").read_text())
    front = Path(f"/proc/{gateway}/environ").read_bytes().decode()
    assert engine["HF_TOKEN"] == "hf_of-the-engine" and "ADVISOR_API_KEY" not in engine
    assert "ADVISOR_API_KEY=" in front and "HF_TOKEN" not in front
    assert "GRAFANA_PASSWORD" not in front and "GRAFANA_PASSWORD" not in engine


def test_logs_of_three_starts_are_kept(deployment: Deployment) -> None:
    """Each start moves the logs of the earlier ones on; the fourth drops the oldest."""
    for _ in range(5):
        deployment.call("run.sh", ENGINE_DIES="1")
    kept = {path.name for path in (deployment.folder / "state").glob("engine.log*")}
    assert kept == {"engine.log", "engine.log.1", "engine.log.2", "engine.log.3"}


def test_purge_takes_the_model_that_run_made(tmp_path: Path, programs: Path, port: int) -> None:
    """`stop.sh --purge` has Ollama remove the name that run.sh gave it, while it runs; a plain stop leaves it."""
    made = Deployment(on_port(first_plan("ollama", "rtx-4090"), port), tmp_path / "d", programs)
    removed = ["ollama", "rm", "qwen2.5-7b-instruct"]
    assert made.call("run.sh").returncode == 0
    assert made.call("stop.sh").returncode == 0 and removed not in made.calls()
    assert made.call("run.sh").returncode == 0
    assert made.call("stop.sh", "--purge").returncode == 0
    assert made.calls()[-1] == removed and not (made.folder / "state").exists()


def test_what_lies_in_state_is_data(tmp_path: Path, programs: Path, port: int) -> None:
    """Neither what stands in ./state/undo is run by stop.sh, nor is anything but a process of ours ended."""
    for engine in ("ollama", "vllm"):
        made = Deployment(on_port(first_plan(engine, "rtx-4090"), port), tmp_path / engine, programs)
        state = made.folder / "state"
        for pid in ("", "0", "1", "-1", "x", "1 2", "$(touch PWNED)"):
            state.mkdir(exist_ok=True)
            (state / "engine.pid").write_text(pid)
            (state / "undo").write_text("touch PWNED\n$(touch PWNED)\ntouch PWNED\n")
            done = made.call("stop.sh", "--purge")
            assert done.returncode == 0 and "holds no number of a process" in done.stderr, done.stderr
            assert not state.exists() and not list(made.folder.rglob("PWNED"))


def test_a_folder_whose_engine_runs_is_not_written_over(deployment: Deployment) -> None:
    """Another plan is refused with what to do while the engine runs, the same one is not, and after a stop any is taken."""
    files, other = render(deployment.plan), render(replace(deployment.plan, summary="another plan"))
    write_tree(deployment.folder, files, overwrite=False)
    assert deployment.call("run.sh").returncode == 0
    write_tree(deployment.folder, files, overwrite=False)
    for force in (False, True):
        with pytest.raises(BadInput, match=r"still runs \(process \d+\).*stop\.sh first"):
            write_tree(deployment.folder, other, overwrite=force)
    assert deployment.call("stop.sh").returncode == 0
    write_tree(deployment.folder, other, overwrite=False)


def test_a_proxy_is_not_asked_for_this_machine(deployment: Deployment) -> None:
    """With a proxy in engine.env that does not answer, run.sh still sees its own engine become healthy."""
    proxy = f"http://127.0.0.1:{free()}"
    (deployment.folder / "engine.env").write_text(f"http_proxy={proxy}\nHTTPS_PROXY={proxy}\nno_proxy=intern.test\n")
    started = deployment.call("run.sh")
    assert started.returncode == 0, started.stderr
    assert json.loads((deployment.folder / "env").read_text())["no_proxy"] == "127.0.0.1,localhost,intern.test"


def test_a_truncated_log_gives_its_space_back(deployment: Deployment) -> None:
    """Logs are appended to, as a rotation that copies and truncates needs it."""
    assert deployment.call("run.sh").returncode == 0
    flags = re.search(r"flags:\s+(\d+)", Path(f"/proc/{deployment.pid()}/fdinfo/1").read_text())
    assert flags and int(flags[1], 8) & os.O_APPEND


@pytest.mark.external
def test_a_port_for_root_alone_is_said_before_the_start(tmp_path: Path, programs: Path, port: int) -> None:
    """A user who asks for 443 hears how Caddy gets the right to it, and nothing has started; root just starts."""
    made = Deployment(exposed("vllm", port), tmp_path / "d", programs)
    (programs / "caddy").symlink_to(tool("caddy"))
    (made.folder / ".env").write_text("ADVISOR_API_KEY=0123456789abcdef-key\nADVISOR_PORT=443\n")
    (programs / "id").write_text("#!/bin/sh\necho 1000\n")
    (programs / "id").chmod(0o755)
    refused = made.call("run.sh")
    assert refused.returncode == 1 and "setcap cap_net_bind_service" in refused.stderr
    assert not (made.folder / "state").exists()
