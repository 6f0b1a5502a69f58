"""Two real engines on this machine as replicas behind a real Caddy, one of them killed under load."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from tests.deploy.test_replicas import KEY, Site, two_free
from tests.engines.engine_cases import tool
from tests.test_render_scripts import Deployment, on_port

pytestmark = [pytest.mark.engine, pytest.mark.nightly, pytest.mark.xdist_group("engines")]


class Real(Deployment):
    """A folder whose scripts find the installed engine."""

    def call(self, script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script to its end."""
        known = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", str(self.folder / script), *words], capture_output=True, text=True, timeout=600, check=False,
            env=known | env, cwd="/",
        )  # fmt: skip


@pytest.fixture
def site(make: Any, tmp_path: Path) -> Iterator[Site]:
    """Two vLLM servers of one model on the processor."""
    port, front, programs = two_free(), two_free(), tmp_path / "bin"
    plan, _ = make("vllm", 4, exposed=True, run="native", context_tokens=512)
    candidate = replace(plan.estimate.candidate, replicas=2, kv_cache_bytes=1 << 29)
    slow = replace(on_port(plan, port), estimate=replace(plan.estimate, candidate=candidate))
    planned = replace(slow, launch=replace(slow.launch, startup_s=400), parts=("native", "gateway", "replicas"))
    programs.mkdir()
    (programs / "caddy").symlink_to(tool("caddy"))
    folder = tmp_path / "deploy"
    write_tree(folder, files_of(planned), overwrite=False)
    made = Real(planned, folder, programs)
    (folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\nADVISOR_PORT={front}\nADVISOR_METRICS_PORT={front + 1}\n")
    try:
        started = made.call("run.sh")
        assert started.returncode == 0, started.stderr
        yield Site(made, front, tmp_path, (port, port + 1), model=planned.launch.served_name)
    finally:
        made.call("stop.sh")


def test_a_real_engine_killed_under_load(site: Site) -> None:
    """What the killed engine had not begun to answer comes whole from the other one."""
    with site.load(clients=6, tokens=48):
        time.sleep(5)
        os.killpg(site.pid("engine"), signal.SIGKILL)
        time.sleep(10)
    counted = Counter(site.outcomes)
    assert counted["lost"] == 0 and counted["whole"] >= 6, (counted, site.said[-5:])
    assert counted["cut"] <= 3, counted
