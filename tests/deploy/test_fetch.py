"""The fetch before the first start: goes on where it was cut off, tests what came, keeps its revision."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from advisor.engines.vllm.supplies import FETCH, repositories
from advisor.pipeline import recommend
from advisor.render import render
from advisor.schema import Plan
from tests.engines.engine_cases import tool

FIRST, SECOND = "1" * 40, "2" * 40
MODEL, DRAFTER = "RedHatAI/Qwen2.5-7B-Instruct-FP8-dynamic", "someone/drafter"
# The Hub's own program, as far as the script uses it: `refs/main` comes before the files, and each call is written down.
HF = """#!/bin/sh
[ -z "${HF_HUB_OFFLINE:-}" ] || exit 9
echo "$*" >>"$CALLS"
[ "$1" = download ] || exit "$(cat "$BROKEN" 2>/dev/null || echo 0)"
folder=$HF_HOME/hub/models--$(printf %s "$2" | sed 's|/|--|g')
mkdir -p "$folder/refs"
[ "$4" != main ] || printf %s "$(cat "$MAIN")" >"$folder/refs/main"
left=$(cat "$CUTS" 2>/dev/null || echo 0)
[ "$left" -eq 0 ] || { echo $((left - 1)) >"$CUTS"; exit 1; }
"""


def planned(**asked: object) -> Plan:
    """vLLM for fifty people, with weights that come from the Hub."""
    overrides = {"model": "Qwen/Qwen2.5-7B-Instruct", "offline": True, "users": 50, "engine": "vllm", **asked}
    made = recommend(profile=None, overrides=overrides, gpu="RTX 4090").plan
    assert made is not None
    return made


class Hub:
    """A folder with the fake program, what it should do, and the cache that it fills."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        (folder / "bin").mkdir()
        for name, text in {"hf": HF, "sleep": "#!/bin/sh\n"}.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self.says("MAIN", FIRST)

    def says(self, what: str, text: str) -> None:
        """What the repository's main is, how many downloads are cut off, how the test of the sums ends."""
        (self.folder / what).write_text(text)

    @property
    def env(self) -> dict[str, str]:
        """Variables of whoever fetches; the last one is left from an earlier fetch."""
        names = ("MAIN", "CUTS", "BROKEN", "CALLS")
        place = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HF_HOME": str(self.cache), "HF_HUB_OFFLINE": "1"}
        return place | {name: str(self.folder / name) for name in names}

    def fetch(self, *models: str) -> int:
        """The exit code of the script."""
        words = ["sh", "-euc", FETCH, "fetch", *models]
        return subprocess.run(words, env=self.env, capture_output=True, check=False).returncode

    def calls(self) -> list[str]:
        """What was asked of the program since the last look."""
        path = self.folder / "CALLS"
        found = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return found

    def kept(self, model: str = MODEL) -> str:
        """The revision that is written down."""
        path = self.cache / "hub" / f"models--{model.replace('/', '--')}" / "advisor-revision"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A Hub whose main is the first revision."""
    return Hub(tmp_path)


def test_the_first_revision_stays(hub: Hub) -> None:
    """The second fetch asks nobody, though main has moved."""
    assert hub.fetch(MODEL) == 0 and hub.kept() == FIRST
    assert hub.calls() == [f"download {MODEL} --revision main", f"cache verify {MODEL} --revision {FIRST}"]
    hub.says("MAIN", SECOND)
    assert hub.fetch(MODEL) == 0 and hub.kept() == FIRST and not hub.calls()


def test_what_was_cut_off_goes_on_at_the_same_revision(hub: Hub) -> None:
    """A cut download is tried again with the commit that was begun; after five it ends, and the next run goes on there."""
    hub.says("CUTS", "2")
    assert hub.fetch(MODEL) == 0 and hub.kept() == FIRST
    assert [call for call in hub.calls() if call.startswith("download")][1:] == [
        f"download {MODEL} --revision {FIRST}"
    ] * 2
    other = "another/model"
    hub.says("CUTS", "9")
    assert hub.fetch(other) == 1 and not hub.kept(other) and len(hub.calls()) == 5
    hub.says("CUTS", "0")
    hub.says("MAIN", SECOND)
    assert hub.fetch(other) == 0 and hub.kept(other) == FIRST


def test_what_is_pinned_is_fetched_and_another_pin_is_another_fetch(hub: Hub) -> None:
    """A commit stays without a question; a branch keeps the commit it was; the next pin is fetched, not taken as here."""
    assert hub.fetch(f"{MODEL}@{SECOND}") == 0 and hub.kept() == SECOND
    assert hub.calls() == [f"download {MODEL} --revision {SECOND}", f"cache verify {MODEL} --revision {SECOND}"]
    assert hub.fetch(f"{MODEL}@{SECOND}") == 0 and not hub.calls()
    assert hub.fetch(f"{MODEL}@{FIRST}") == 0 and hub.kept() == FIRST and len(hub.calls()) == 2
    assert hub.fetch(f"{DRAFTER}@main") == 0 and hub.kept(DRAFTER) == FIRST
    hub.says("MAIN", SECOND)
    hub.calls()
    assert hub.fetch(f"{DRAFTER}@main", DRAFTER) == 0 and not hub.calls()


def test_a_wrong_sum_is_no_fetch(hub: Hub) -> None:
    """Nothing is written down, so the engine does not start, and the next run fetches and tests again."""
    hub.says("BROKEN", "1")
    assert hub.fetch(MODEL) != 0 and not hub.kept()
    hub.says("BROKEN", "0")
    assert hub.fetch(MODEL) == 0 and hub.kept() == FIRST


def test_every_repository_is_fetched(hub: Hub) -> None:
    """A drafter of its own comes too; names that a shell would expand are names."""
    odd = "o/$(touch x)"
    assert hub.fetch(MODEL, DRAFTER, odd) == 0
    assert [hub.kept(name) for name in (MODEL, DRAFTER, odd)] == [FIRST] * 3 and not Path("x").exists()


def test_a_plan_with_a_drafter_names_it() -> None:
    """What `--speculative-config` loads from the Hub is fetched, in every way to run."""
    made = recommend(
        profile=None,
        overrides={"model": "meta-llama/Llama-3.1-8B-Instruct", "users": 2, "engine": "vllm", "task": "code"},
        gpu="H100 80GB",
    ).plan
    assert made is not None
    drafted = re.findall(r'"model": ?"([^"]+)"', " ".join(made.launch.argv))
    assert repositories(made) == (made.launch.model_ref, *drafted)


def test_the_engine_waits_for_the_fetch_in_compose() -> None:
    """It starts when the fetch has ended well, asks the Hub no more, and the fetch gets neither ports nor cards."""
    files = {file.path: file.text for file in render(planned(run="compose"))}
    services = yaml.safe_load(files["compose.yaml"])["services"]
    assert services["engine"]["depends_on"] == {"fetch": {"condition": "service_completed_successfully"}}
    assert services["engine"]["environment"]["HF_HUB_OFFLINE"] == "1" and "environment" not in services["fetch"]
    assert services["fetch"]["restart"] == "no" and not {"ports", "deploy", "devices"} & set(services["fetch"])
    assert set(services["fetch"]["volumes"]) <= set(services["engine"]["volumes"])
    script = services["fetch"]["entrypoint"][2].replace("$$", "$")
    assert script == FETCH


def test_the_unit_fetches_before_the_engine(hub: Hub) -> None:
    """Its first command is the fetch, which does what the script does; after it the engine asks the Hub no more."""
    unit = next(file.text for file in render(planned(run="systemd")) if file.path.endswith("instruct.service"))
    before = next(line for line in unit.splitlines() if line.startswith("ExecStartPre="))
    assert unit.index("ExecStartPre=") < unit.index("ExecStart=") and 'Environment="HF_HUB_OFFLINE=1"' in unit
    words = [as_systemd_reads(word) for word in re.findall(r'"((?:[^"\\]|\\.)*)"', before.partition("=")[2])]
    assert words == ["/bin/sh", "-euc", FETCH, "fetch", MODEL]
    assert subprocess.run(words, env=hub.env, check=False).returncode == 0 and hub.kept() == FIRST
    for asked in ({"air_gapped": True}, {"engine": "ollama"}):
        units = [file.text for file in render(planned(run="systemd", **asked)) if file.path.startswith("systemd/")]
        assert not any(
            "ExecStartPre=" in unit and "fetch" in unit.partition("ExecStartPre=")[2].split("\n")[0] for unit in units
        )


@pytest.mark.external
def test_a_container_fetches_before_the_engines(hub: Hub, tmp_path: Path) -> None:
    """Podman's own generator gives the script back as it is, and the engine's unit waits for it and asks the Hub no more."""
    files = {file.path: file.text for file in render(planned(run="podman")) if file.path.startswith("quadlet/")}
    folder = tmp_path / "units"
    folder.mkdir()
    for path, text in files.items():
        (folder / Path(path).name).write_text(text)
    units = subprocess.run(
        [tool("quadlet"), "-dryrun"], env={**os.environ, "QUADLET_UNIT_DIRS": str(folder)}, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip
    started = units.partition("-fetch.service---")[2].partition("\n---")[0]
    line = next(line for line in started.splitlines() if line.startswith("ExecStart="))
    script = next(word for word in re.findall(r'"((?:[^"\\]|\\.)*)"', line) if "hf download" in word)
    words = ["/bin/sh", "-euc", as_systemd_reads(script), "fetch", MODEL]
    assert subprocess.run(words, env=hub.env, check=False).returncode == 0 and hub.kept() == FIRST
    engine = next(text for path, text in files.items() if path.endswith("instruct.container"))
    assert "Requires=qwen2-5-7b-instruct-fetch.service" in engine and "HF_HUB_OFFLINE=1" in engine
    assert not [file for file in render(planned(run="podman", engine="ollama")) if "fetch.container" in file.path]


def as_systemd_reads(word: str) -> str:
    """The inside of a quoted word of ExecStart= in a unit (systemd.service(5), "COMMAND LINES")."""
    plain = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), word.replace(r"\n", "\n"))
    return re.sub(r"\\(.)", r"\1", plain).replace("$$", "$").replace("%%", "%")


@pytest.mark.parametrize("asked", [{"air_gapped": True}, {"engine": "ollama"}])
def test_nothing_is_fetched_where_the_weights_are_or_the_engine_fetches_itself(asked: dict[str, object]) -> None:
    """An air-gapped folder has no fetch; Ollama's own service pulls while its server is healthy."""
    files = {file.path: file.text for file in render(planned(run="compose", **asked))}
    assert "fetch" not in yaml.safe_load(files["compose.yaml"])["services"]
    assert "fetch.sh" not in {file.path for file in render(planned(run="native", **asked))}


@pytest.mark.external
def test_the_script_on_a_host(hub: Hub, tmp_path: Path) -> None:
    """fetch.sh fetches, writes one line for later starts into a file for its owner alone, and shellcheck finds nothing."""
    files = {file.path: file.text for file in render(planned(run="native"))}
    script = tmp_path / "fetch.sh"
    script.write_text(files["fetch.sh"])
    for _ in range(2):
        subprocess.run(["bash", str(script)], env=hub.env, check=True, capture_output=True)
    own = tmp_path / "engine.env"
    assert own.read_text() == "HF_HUB_OFFLINE=1\n" and own.stat().st_mode & 0o777 == 0o600
    assert hub.kept() == FIRST and len(hub.calls()) == 2
    subprocess.run([tool("shellcheck"), "-S", "style", str(script)], check=True)
