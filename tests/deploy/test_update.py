"""update.sh, really run: another version of the engine beside the first, behind a real Caddy, and the way back."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from advisor.deploy.gateway import can_update
from advisor.render import render
from tests.deploy.client import Answer, Client, again_and_again
from tests.engines.engine_cases import first_plan, tool
from tests.smoke import fake_engine
from tests.test_render_scripts import Deployment, free, on_port

KEY = "0123456789abcdef-key"
# The fake engine under vLLM's name, with a version of its own; one that is broken dies while it loads.
PROGRAM = """#!/bin/sh
if [ "$1" = --version ]; then echo "vllm {version}"; exit 0; fi
export ENGINE_IS={version} FAKE_TPOT_S=0.05 FAKE_TTFT_S=0.1
{broken}exec {python} {fake} "$@"
"""

# As Ollama: its client's commands do nothing, and on SIGTERM it cuts what it has.
CUTTING = """#!/bin/sh
export ENGINE_IS={version} FAKE_TPOT_S=0.05 FAKE_TTFT_S=0.1 FAKE_CUTS=1
case $1 in
--version) echo "ollama version is {version}" ;;
serve) exec {python} {fake} serve --port "${{OLLAMA_HOST##*:}}" --served-model-name any --max-num-seqs 64 --max-model-len 8192 ;;
esac
"""


def program(folder: Path, version: str, broken: str = "") -> Path:
    """A version of the engine in a folder of its own."""
    made = folder / version / "bin" / "vllm"
    made.parent.mkdir(parents=True)
    made.write_text(
        PROGRAM.format(version=version, python=sys.executable, fake=fake_engine.__file__, broken=broken)
    )  # fmt: skip
    made.chmod(0o755)
    return made


@dataclass
class Site:
    """A folder with engine and gateway, both up."""

    deployment: Deployment
    client: Client
    versions: Path
    asked: list[Answer] = field(default_factory=list)

    def serving(self) -> str:
        """The version of the process that stop.sh would end."""
        environ = Path(f"/proc/{self.deployment.pid()}/environ").read_bytes().decode()
        return next(pair.split("=", 1)[1] for pair in environ.split("\0") if pair.startswith("ENGINE_IS="))

    def update(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./update.sh WORDS`."""
        caller = self.deployment
        known = {"PATH": f"{caller.programs}:/usr/local/bin:/usr/bin:/bin", "HOME": str(caller.folder)}
        return subprocess.run(
            ["bash", str(caller.folder / "update.sh"), *words], capture_output=True, text=True, check=False,
            timeout=240, env=known, cwd="/",
        )  # fmt: skip

    @contextmanager
    def load(self) -> Iterator[None]:
        """Six clients that ask one stream after the other until the block ends."""
        with again_and_again(lambda _: self.asked.append(self.client.chat(tokens=20, stream=True)), clients=6):
            time.sleep(1)
            yield


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Version 99.0 behind a real Caddy; stopped at the end whatever happened."""
    with up(tmp_path, "vllm", program(tmp_path / "versions", "99.0")) as made:
        yield made


@contextmanager
def up(folder: Path, engine: str, first: Path) -> Iterator[Site]:
    """A program of that engine behind a real Caddy until the block ends."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / engine).symlink_to(first)
    (programs / "caddy").symlink_to(tool("caddy"))
    plan = replace(on_port(first_plan(engine, "rtx-4090", "production"), free()), parts=("native", "gateway"))
    drain_s = first_plan(engine, "rtx-4090", "production").launch.drain_s  # 0: it cuts
    made = Deployment(replace(plan, launch=replace(plan.launch, drain_s=drain_s)), folder / "deploy here", programs)
    front = free()
    ports = f"ADVISOR_PORT={front}\nADVISOR_METRICS_PORT={free()}\n"
    (made.folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\n{ports}")
    try:
        started = made.call("run.sh")
        assert started.returncode == 0, started.stderr
        yield Site(made, Client(KEY, plan.launch.served_name, port=front, patience_s=60), folder / "versions")
    finally:
        made.call("stop.sh")


def nothing_beside(site: Site) -> bool:
    """No second engine is left."""
    return not (site.deployment.folder / "state" / "canary.pid").exists()


@pytest.mark.external
def test_another_version_and_back_under_load(site: Site) -> None:
    """Forward and back again every stream arrives whole, and afterwards one engine runs, of the version that was asked for."""
    other = program(site.versions, "99.1")
    with site.load():
        compared = site.update("--compare", str(other))
        assert compared.returncode == 0 and "seconds of three short answers" in compared.stderr, compared.stderr
        assert site.serving() == "99.0" and nothing_beside(site)
        changed = site.update(str(other))
        assert changed.returncode == 0, changed.stderr
        assert site.serving() == "99.1" and nothing_beside(site)
        back = site.update("--back")
        assert back.returncode == 0, back.stderr
        assert site.serving() == "99.0" and nothing_beside(site)
    assert len(site.asked) > 20
    assert all(answer.whole for answer in site.asked), [(a.status, a.text[-200:]) for a in site.asked if not a.whole]


@pytest.mark.external
def test_an_engine_that_cuts_is_left_first(tmp_path: Path) -> None:
    """Where the engine cuts what it has when it ends, it is ended only after its last answer."""
    versions = tmp_path / "versions"
    first, other = (cutting(versions, version) for version in ("99.0", "99.1"))
    with up(tmp_path, "ollama", first) as site:
        with site.load():
            changed = site.update(str(other))
            assert changed.returncode == 0 and site.serving() == "99.1", changed.stderr
        assert len(site.asked) > 10
        assert all(answer.whole for answer in site.asked), [(a.status, a.text[-99:]) for a in site.asked if not a.whole]


def cutting(folder: Path, version: str) -> Path:
    """A version of an engine that cuts."""
    made = folder / version / "bin" / "ollama"
    made.parent.mkdir(parents=True)
    made.write_text(CUTTING.format(version=version, python=sys.executable, fake=fake_engine.__file__))
    made.chmod(0o755)
    return made


@pytest.mark.external
def test_a_version_that_does_not_start_changes_nothing(site: Site) -> None:
    """Broken, too old, running already, or no program: the running engine goes on, and the words say what was the matter."""
    before = site.deployment.pid()
    broken = program(site.versions, "99.2", broken="echo out of memory; exit 3; ")
    for words, told in (
        ((str(broken),), "nothing was changed"),
        ((str(program(site.versions, "0.1.0")),), "the plan needs"),
        ((str(site.versions / "99.0" / "bin" / "vllm"),), "runs already"),
        (("/nowhere/vllm",), "is no program"),
        (("/bin/sh",), "is not called vllm"),
        (("--back",), "no version before"),
        ((), "PROGRAM"),
        (("--compare",), "PROGRAM"),
    ):
        refused = site.update(*words)
        assert refused.returncode in (1, 2) and told in refused.stderr, refused.stderr
        assert site.deployment.pid() == before and nothing_beside(site) and site.client.chat().status == 200


@pytest.mark.external
def test_with_a_gap_where_two_do_not_fit(site: Site) -> None:
    """The old one goes first; one that does not start is followed by the old one again, one that does serves."""
    broken = program(site.versions, "99.2", broken="echo out of memory; exit 3; ")
    failed = site.update("--gap", str(broken))
    assert failed.returncode == 1 and "the one before again" in failed.stderr
    assert site.serving() == "99.0" and site.client.chat().status == 200
    done = site.update("--gap", str(program(site.versions, "99.1")))
    assert done.returncode == 0 and site.serving() == "99.1", done.stderr
    assert site.client.chat().status == 200
    # A restart takes the version that was chosen; without ./state it is PATH's again.
    assert site.deployment.call("stop.sh").returncode == 0 and site.deployment.call("run.sh").returncode == 0
    assert site.serving() == "99.1"


def test_who_gets_it() -> None:
    """A folder that starts an engine of its own, with a gateway, natively; nobody else."""
    plan = first_plan("vllm", "rtx-4090", "production")
    for parts, there in ((("native", "gateway"), True), (("native",), False), (("compose", "gateway"), False)):
        assert ("update.sh" in {file.path for file in render(replace(plan, parts=parts))}) is there
    assert not can_update(replace(plan, launch=replace(plan.launch, server="running")))


@pytest.mark.external
@pytest.mark.parametrize("engine", ["vllm", "ollama"])
@pytest.mark.parametrize("parts", [("native", "gateway"), ("native", "gateway", "keys"), ("native",)])
def test_the_scripts_are_clean(tmp_path: Path, engine: str, parts: tuple[str, ...]) -> None:
    """shellcheck finds nothing in any of the scripts that work together."""
    made = Deployment(replace(first_plan(engine, "rtx-4090", "production"), parts=parts), tmp_path, tmp_path)
    scripts = [path.name for path in made.folder.glob("*.sh")]
    done = subprocess.run(
        [tool("shellcheck"), "-S", "style", "--exclude=SC2016,SC1112", *scripts], cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
