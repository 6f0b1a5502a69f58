"""Weights are pinned when a folder is written: by what was asked for, or by what the Hub says."""

from __future__ import annotations

import json
import re
import shlex
import urllib.error
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from advisor.cli import app
from advisor.commands.pinning import not_loaded, pinned
from advisor.engines import ENGINES
from advisor.engines.ways import WAYS
from advisor.errors import BadInput
from advisor.folder.door import admit_plan
from advisor.models.heads import place
from advisor.models.revision import read_revision
from advisor.pipeline import files_of, recommend
from advisor.report.again import command_of
from advisor.schema import Plan

MODEL, COMMIT, LATER = "Qwen/Qwen2.5-7B-Instruct", "1" * 40, "2" * 40
Says = Callable[[dict[str, str | int]], list[str]]


def planned(**asked: object) -> Plan:
    """vLLM for fifty people on one card, from the Hub."""
    overrides = {"model": MODEL, "users": 50, "engine": "vllm", "offline": True, **asked}
    made = recommend(profile=None, overrides=overrides, gpu="RTX 4090").plan
    assert made is not None
    return made


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Says:
    """A Hub that knows these revisions, by the end of the address, or answers with that status, 0: not at all; what it was asked."""
    monkeypatch.delenv("HF_HUB_OFFLINE")

    def says(known: dict[str, str | int]) -> list[str]:
        asked: list[str] = []

        def answer(url: str, **_: object) -> bytes:
            asked.append(url)
            found = next((found for end, found in known.items() if url.endswith(end)), 404)
            if found == 0:
                raise OSError("no route")
            if isinstance(found, int):
                raise urllib.error.HTTPError(url, found, "", Message(), None)
            return json.dumps({"sha": found}).encode()

        monkeypatch.setattr("advisor.models.revision.fetched", answer)
        return asked

    return says


@pytest.mark.parametrize("run", WAYS)
def test_every_way_loads_what_is_pinned(run: str) -> None:
    """The engine, its tokenizer and the fetch before it name the commit; nothing that is started leaves it out."""
    made = planned(run=run, revision=COMMIT)
    assert made.launch.argv[1:5] == ("--revision", COMMIT, "--tokenizer-revision", COMMIT)
    texts = {file.path: file.text for file in files_of(made) if not file.path.endswith((".md", "plan.json"))}
    fetching = [text for text in texts.values() if "hf download" in text]
    serving = [text for text in texts.values() if "--served-model-name" in text]
    assert serving and all(COMMIT in text for text in serving)
    assert fetching and all(f"{MODEL}@{COMMIT}" in text for text in fetching)


def test_charts_and_ray_load_it_too() -> None:
    """Values for production-stack, and Ray's application, say the same commit as the pod."""
    texts = {file.path: file.text for file in files_of(planned(run="kubernetes", parts="all", revision=COMMIT))}
    words = yaml.safe_load(texts["kubernetes/production-stack-values.yaml"])
    extra = words["servingEngineSpec"]["modelSpec"][0]["vllmConfig"]["extraArgs"]
    assert extra[extra.index("--revision") + 1] == COMMIT
    ray = ENGINES["vllm"].on_ray(planned(revision=COMMIT))
    assert ray is not None and ray.arguments["revision"] == ray.arguments["tokenizer_revision"] == COMMIT


def test_what_an_air_gapped_folder_carries_is_pinned() -> None:
    """The script that saves the weights elsewhere asks for the commit that the engine will look for."""
    script = next(file.text for file in files_of(planned(air_gapped=True, revision="v1.0")) if "save.sh" in file.path)
    assert f"hf download {MODEL} --revision v1.0 --cache-dir" in script


def test_python_of_a_repository_is_pinned_with_it() -> None:
    """Where --trust-remote-code runs it, what somebody has read is what runs."""
    made = planned(model="moonshotai/Moonlight-16B-A3B-Instruct", revision=COMMIT)
    flags = {setting.name: setting.value for setting in made.settings}
    assert ("--trust-remote-code" in flags) == ("--code-revision" in flags)


def test_one_revision_is_one_repository() -> None:
    """No form of the model in another repository, and no tag, is planned under a revision that it does not have."""
    made = planned(revision=COMMIT, engine="auto")
    assert made.launch.model_ref == MODEL and made.engine == "vllm"
    assert planned(engine="auto", model=f"{MODEL}-AWQ", revision="refs/pr/1").launch.model_ref == f"{MODEL}-AWQ"


def test_the_hub_says_which_commit_a_branch_is(hub: Says) -> None:
    """The commit is written, with the branch, the day and who said it; asked again, the command gives the same."""
    hub({f"{MODEL}/revision/stable": COMMIT, COMMIT: COMMIT})
    made = planned(offline=False, revision="stable")
    found = made.model.revisions[MODEL]
    assert found.name == COMMIT and found.asked == "stable" and found.seen
    because = next(setting.because for setting in made.settings if setting.name == "--revision")
    assert because.startswith("stable pointed to this commit on 20") and "the Hub" in because
    again = shlex.split(command_of(made))
    assert again[again.index("--revision") + 1] == COMMIT


def test_a_revision_that_is_not_there_is_refused_where_the_hub_says_so(hub: Says) -> None:
    """404 is exit 2; a Hub that wants a login or is down leaves the name, and says that nobody confirmed it."""
    hub({})
    with pytest.raises(BadInput, match=r"no commit, tag or branch 'gone'.*accepted: one of https"):
        planned(offline=False, revision="gone")
    hub({"held": 401})
    made = planned(offline=False, revision="held")
    assert made.model.revisions[MODEL].name == "held"
    assert "was not asked" in next(each.because for each in made.settings if each.name == "--revision")


def test_a_folder_is_pinned_when_it_is_written(hub: Says) -> None:
    """Without a word, main of what is loaded becomes a commit; the plan is one that the door admits, and is kept by it."""
    asked = hub({"/revision/main": COMMIT})
    made = pinned(planned(offline=False))
    ref = made.launch.model_ref
    assert made.model.revisions[ref].asked == "main" and made.launch.argv[2] == COMMIT
    assert made.workload.revision == f"{ref}={COMMIT}" and admit_plan(made, "plan.json") == made
    hub({"/revision/main": LATER})
    assert pinned(made) == made and len(asked) == 1
    again = shlex.split(command_of(made))
    assert again[again.index("--revision") + 1] == f"{ref}={COMMIT}"


@pytest.mark.parametrize(
    "asked", [{"offline": True}, {"engine": "ollama", "offline": False}, {"model": "qwen2.5:7b", "engine": "ollama"}]
)
def test_nobody_is_asked_offline_or_for_another_engine(hub: Says, asked: dict[str, object]) -> None:
    """--offline looks nothing up; a tag of Ollama's library is no repository of the Hub."""
    questions = hub({"main": COMMIT})
    made = planned(**asked)
    assert pinned(made) == made and not questions


def test_a_hub_that_is_silent_pins_nothing(hub: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down, half known or switched off by its own variable: the plan stays, and the fetch keeps what came first."""
    made = planned(offline=False)
    monkeypatch.setattr("advisor.models.heads.SILENT_S", 0.0)
    for answer in (401, 404, 503, "no commit"):
        asked = hub({"main": answer})
        assert pinned(made) == made and asked
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub({"main": COMMIT})
    assert pinned(made) == made


def test_the_hub_is_asked_once_a_day(hub: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said this morning counts until tomorrow; an odd file where that is kept counts as nothing."""
    made = planned(offline=False)
    asked = hub({"main": COMMIT})
    assert pinned(made) == pinned(made) and len(asked) == 1
    later = hub({"main": LATER})
    monkeypatch.setattr("advisor.models.heads._today", lambda: "2099-01-01")
    assert pinned(made).launch.argv[2] == LATER and len(later) == 1
    kept = place()
    assert kept is not None
    strange = json.dumps({"seen": "2099-01-01", "commits": {made.launch.model_ref: "$(id)"}})
    for odd in ("", "[]", strange, '{"seen": 1, "silent_at": "x"}'):
        kept.write_text(odd)
        assert pinned(made).launch.argv[2] == LATER


def test_a_hub_that_cannot_be_reached_is_left_alone_for_a_while(hub: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it at every answer; after ten minutes it is asked again."""
    made = planned(offline=False)
    asked = hub({"main": 0})
    assert pinned(made) == pinned(made) == made and len(asked) == 1
    hub({"main": COMMIT})
    assert pinned(made) == made
    monkeypatch.setattr("advisor.models.heads.SILENT_S", 0.0)
    assert pinned(made).launch.argv[2] == COMMIT


BAD = {
    "a tag of the library": ("qwen2.5:7b", COMMIT, "names none; accepted: --model OWNER/NAME, such as Qwen/"),
    "a bare name": ("qwen2.5-7b-instruct", COMMIT, "accepted: --model OWNER/NAME"),
    "GGUF files": ("bartowski/Qwen2.5-7B-Instruct-GGUF", "v1", "hf download OWNER/NAME FILE.gguf --revision v1"),
    "two dots": (MODEL, "a..b", "'a..b' is none"),
    "a blank": (MODEL, "a b", "'a b' is none"),
    "a dash first": (MODEL, "-x", "'-x' is none"),
    "shell": (MODEL, "$(id)", "is none"),
    "no repository": (MODEL, "Qwen=v1", "'Qwen=v1' is none"),
    "twice": (MODEL, "a,b", "'b' is none"),
    "nothing": (MODEL, ",", "'' is none"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_revision_is_refused(case: str) -> None:
    """The message names the option, what was seen and what is accepted; the exit code is 2."""
    model, revision, message = BAD[case]
    words = ["recommend", "--model", model, "--revision", revision, "--gpu", "RTX 4090", "--offline", "--dry-run"]
    done = CliRunner().invoke(app, words)
    said = str(done.exception) + done.output
    assert isinstance(done.exception, BadInput) or done.exit_code == 2, said
    assert message in said and "revision" in said


def test_a_folder_has_no_revision(tmp_path: Path) -> None:
    """What lies on a disk is what it is."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"],
        "hidden_size": 896, "intermediate_size": 4864, "num_attention_heads": 14, "num_key_value_heads": 2,
        "num_hidden_layers": 24, "vocab_size": 151936, "max_position_embeddings": 32768}))  # fmt: skip
    with pytest.raises(BadInput, match="names none"):
        planned(model=str(tmp_path), revision=COMMIT)


def test_none_is_as_if_nothing_was_asked() -> None:
    """`none` over a profile that pins one; a remedy that names another model says it, and can be typed."""
    assert read_revision("none") == {} and planned(revision="none").workload.revision is None
    answer = recommend(
        profile=None, overrides={"model": "meta-llama/Llama-3.1-70B-Instruct", "revision": COMMIT, "offline": True},
        gpu="RTX 4090",
    )  # fmt: skip
    others = [each.change for each in answer.verdict.nearest_yes if "--model" in each.change]
    assert others and all("--revision none" in change for change in others)


def test_a_repository_that_is_not_loaded_is_named() -> None:
    """REPOSITORY=REVISION of another form holds nothing back, and is said."""
    made = planned(revision=f"some/other={COMMIT}")
    assert not_loaded(made) == ["some/other"] and "--revision" not in made.launch.argv


def test_a_drafter_is_pinned_by_itself() -> None:
    """A repository that drafts tokens is loaded at its own commit, and fetched so."""
    asked = {"model": "meta-llama/Llama-3.1-8B-Instruct", "users": 2, "engine": "vllm", "task": "code"}
    plain = recommend(profile=None, overrides=asked, gpu="H100 80GB").plan
    assert plain is not None
    drafter = re.findall(r'"model": ?"([^"]+)"', " ".join(plain.launch.argv))[0]
    made = recommend(profile=None, overrides={**asked, "revision": f"{drafter}={COMMIT}"}, gpu="H100 80GB").plan
    assert made is not None and f'"revision": "{COMMIT}"' in " ".join(made.launch.argv)
    assert f"{drafter}@{COMMIT}" in ENGINES["vllm"].supplies(made).repositories
