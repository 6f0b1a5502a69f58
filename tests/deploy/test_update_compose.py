"""update-compose.sh and replicas in Compose, really run: a fake engine in containers behind a real Caddy, with local tags.

Images: tests/engines/docker.sh makes the base, tests/deploy/images.sh Caddy's.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from advisor.deploy import gateway, replicas
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from tests.deploy.test_replicas import KEY, Site, nothing_cut, planned, texts, two_free
from tests.engines.engine_cases import tool
from tests.smoke import fake_engine
from tests.test_render_scripts import Deployment, on_port

BASE, OTHER, BROKEN = "advisor-tests/base:bookworm-1", "advisor-tests/other-engine:2", "advisor-tests/broken-engine:3"
WRAPPER = '#!/bin/sh\nif [ "$1" = compose ]; then shift; exec docker-compose "$@"; fi\nexec {docker} "$@"\n'


def test_who_gets_it() -> None:
    """A folder for Compose whose gateway is always there; nobody else."""
    alone = replace(planned("RTX 4090"), parts=("compose", "gateway"))
    inside = replace(alone, workload=replace(alone.workload, exposed=False))
    for plan, there in ((alone, True), (inside, False), (replace(alone, parts=("native", "gateway")), False)):
        assert ("update-compose.sh" in texts(plan)) is there
        assert ("{file.engine.at}" in texts(plan).get("compose.yaml", "")) is there


@dataclass(kw_only=True)
class Containers(Site):
    """The same in containers."""

    docker: Any

    def update(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./update-compose.sh WORDS`."""
        return subprocess.run(
            ["bash", str(self.deployment.folder / "update-compose.sh"), *words], capture_output=True, text=True,
            check=False, timeout=300, env=self.docker.env, cwd="/",
        )  # fmt: skip

    def images(self) -> set[str]:
        """What the engines that run were started from."""
        lines = self.docker("ps", "--format", "{{.Names}} {{.Image}}").splitlines()
        return {line.split()[1] for line in lines if "engine" in line.split()[0] or "canary" in line.split()[0]}


@pytest.fixture
def up(make: Any, docker: Any, tmp_path: Path) -> Iterator[Callable[[int], Containers]]:
    """So many replicas of the fake engine, up and healthy; gone afterwards."""
    programs, front = tmp_path / "bin", two_free()
    programs.mkdir()
    real = subprocess.run(
        ["which", "docker"], capture_output=True, text=True, check=True, env=docker.env
    ).stdout.strip()
    (programs / "docker").write_text(WRAPPER.format(docker=real))
    (programs / "docker").chmod(0o755)
    docker.env = {**docker.env, "PATH": f"{programs}:{Path(tool('docker-compose')).parent}:{docker.env['PATH']}"}
    made: list[Deployment] = []

    def begin(number: int) -> Containers:
        plan, _ = make("vllm", 4, exposed=True, run="compose", context_tokens=512)
        candidate = replace(plan.estimate.candidate, replicas=number)
        parts = ("compose", "gateway", *(("replicas",) if number > 1 else ()))
        plan = replace(on_port(plan, two_free()), estimate=replace(plan.estimate, candidate=candidate), parts=parts)
        folder = tmp_path / "deploy"
        write_tree(folder, files_of(plan), overwrite=False)
        made.append(Deployment(plan, folder, programs))
        docker("tag", BASE, plan.launch.image)
        docker("tag", "advisor-tests/caddy:1", gateway.facts(plan).image)
        (folder / "compose.override.yaml").write_text(override(replicas.names(plan), plan.estimate.candidate))
        (folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\nADVISOR_BIND=127.0.0.1\nADVISOR_PORT={front}\n")
        (folder / ".env").chmod(0o600)
        started = compose(docker, folder, "up", "--detach", "--wait", "--wait-timeout", "120")
        assert started.returncode == 0, started.stderr + compose(docker, folder, "logs").stdout
        ports = (replicas.ports(plan)[0], replicas.ports(plan)[-1])
        return Containers(port=front, deployment=made[0], versions=tmp_path, engines=ports, docker=docker)

    for name, lines in ((OTHER, ""), (BROKEN, "ENV FAKE_FAULT=memory\n")):
        subprocess.run(
            ["docker", "build", "-q", "-t", name, "-"], input=f"FROM {BASE}\nENV OTHER=1\n{lines}", text=True, check=True,
            capture_output=True, env={**docker.env, "DOCKER_BUILDKIT": "0"},
        )  # fmt: skip
    try:
        yield begin
    finally:
        for each in made:
            docker("ps", "--all", "--quiet") and compose(docker, each.folder, "down", "--volumes", "--timeout", "5")


def override(names: tuple[str, ...], candidate: Any) -> str:
    """What somebody with an engine of their own writes beside compose.yaml."""
    lines = ["services:"]
    for name in names:
        lines += [f"  {name}:", '    entrypoint: ["python3", "/fake.py", "serve"]', "    pull_policy: never"]
        lines += ["    environment:", '      FAKE_TPOT_S: "0.03"', '      FAKE_TTFT_S: "0.2"']
        lines += ["    volumes:", f'      - "{fake_engine.__file__}:/fake.py:ro"']
    return "\n".join([*lines, "  gateway:", "    pull_policy: never", ""])


def compose(docker: Any, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`docker compose WORDS` in that folder."""
    return subprocess.run(
        ["docker", "compose", *words], cwd=folder, capture_output=True, text=True, check=False, env=docker.env
    )


@pytest.mark.engine
@pytest.mark.xdist_group("engines")
def test_another_image_and_back_under_load(up: Callable[[int], Containers]) -> None:
    """Beside, compared, moved, in place; back again; a broken one changes nothing; and no answer is cut."""
    site = up(1)
    pinned = site.deployment.plan.launch.image
    with site.load(clients=4):
        compared = site.update("--compare", OTHER)
        assert compared.returncode == 0 and "seconds of three" in compared.stderr, compared.stderr
        assert site.images() == {pinned}
        broken = site.update(BROKEN)
        assert broken.returncode == 1 and "nothing was changed" in broken.stderr and site.images() == {pinned}
        changed = site.update(OTHER)
        assert changed.returncode == 0 and site.images() == {OTHER}, changed.stderr
        again = compose(site.docker, site.deployment.folder, "up", "--detach", "--wait")
        assert again.returncode == 0 and site.images() == {OTHER}, "an ordinary start keeps it"
        back = site.update("--back")
        assert back.returncode == 0 and site.images() == {pinned}, back.stderr
    nothing_cut(site, more_than=20)
    gap = site.update("--gap", OTHER)
    assert gap.returncode == 0 and site.images() == {OTHER} and site.ask(stream=True, tokens=4) == "whole", gap.stderr
    assert "COMPOSE_FILE" in (site.deployment.folder / ".env").read_text()
    assert oct((site.deployment.folder / ".env").stat().st_mode & 0o777) == "0o600"


@pytest.mark.engine
@pytest.mark.xdist_group("engines")
def test_two_containers_one_killed_under_load(up: Callable[[int], Containers]) -> None:
    """Nothing is lost that had not begun to answer, Docker starts it again, and one after the other takes another image."""
    site = up(2)
    with site.load():
        victim = compose(site.docker, site.deployment.folder, "ps", "--quiet", "engine-2").stdout.strip()
        site.docker("kill", "--signal", "KILL", victim)
        site.docker("start", victim)  # `docker kill` counts as a stop by hand; a crash is started again by itself
        time.sleep(13)
    counted = Counter(site.outcomes)
    assert counted["lost"] == 0 and counted["whole"] > 30 and counted["cut"] <= 4, (counted, site.said[-3:])
    assert all(count > 0 for count in site.served()), "both serve again"
    site.outcomes.clear()
    site.said.clear()
    with site.load():
        changed = site.update(OTHER)
        assert changed.returncode == 0 and site.images() == {OTHER}, changed.stderr
        broken = site.update(BROKEN)
        assert broken.returncode == 1 and "nothing was changed" in broken.stderr and site.images() == {OTHER}
        back = site.update("--back")
        assert back.returncode == 0, back.stderr
    nothing_cut(site, more_than=0)


@pytest.mark.external
@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_the_script_is_clean(tmp_path: Path, engine: str) -> None:
    """shellcheck finds nothing in it, with one engine and with several, and it refuses what is no image."""
    plans = [replace(planned("2x RTX 4090"), parts=("compose", "gateway", "replicas"))] if engine == "vllm" else []
    plans.append(replace(planned("RTX 4090", engine=engine, users=3), parts=("compose", "gateway")))
    for number, plan in enumerate(plans):
        folder = Deployment(plan, tmp_path / str(number), tmp_path).folder
        done = subprocess.run(
            [tool("shellcheck"), "-S", "style", "--exclude=SC2016,SC1112", "update-compose.sh"], cwd=folder,
            capture_output=True, text=True, check=False, env=os.environ,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("said", "well"),
    [
        (("starting true 0", "starting true 0", "healthy true 0"), True),
        (("starting true 0", "starting true 1"), False),  # Docker started it again
        (("starting true 0", "starting false 0"), False),  # it ended
        (("",), False),  # it is gone
    ],
)
def test_who_waits_for_an_engine_sees_that_it_ends(tmp_path: Path, said: tuple[str, ...], well: bool) -> None:
    """The script waits for the first good answer, and no longer than there can be one."""
    text = texts(replace(planned("RTX 4090"), parts=("compose", "gateway")))["update-compose.sh"]
    function = "healthy() {" + text.partition("healthy() {")[2].partition("\n}\n")[0] + "\n}\n"
    (tmp_path / "said").write_text("\n".join(said) + "\n")
    docker = (
        'docker() { local now; now=$(head -n 1 said); case $3 in *Health*) echo "${now%% *}" ;; '
        '*) echo "${now#* }"; [ "$(wc -l <said)" -lt 2 ] || sed -i 1d said ;; esac; }\n'
    )
    script = f"set -euo pipefail\n{docker}sleep() {{ :; }}\n{function}healthy some\n"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, check=False, timeout=30)
    assert (done.returncode == 0) is well
