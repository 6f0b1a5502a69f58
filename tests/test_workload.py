"""Profiles and what is given over them: what is accepted, what is refused, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.catalog.ranking import ranking
from advisor.catalog.ranking import tasks as ranking_tasks
from advisor.errors import BadInput
from advisor.workload import load_workload, profile_names, profiles_folder

NEEDED = "title: t\ntask: chat\nthink_time_s: 1\ninput_tokens: 1\noutput_tokens: 1\ncontext_tokens: 9\n"


def refusal(profile: str | None, overrides: dict[str, Any]) -> str:
    """The message with which the door refuses."""
    with pytest.raises(BadInput) as refused:
        load_workload(profile, overrides)
    return str(refused.value)


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_is_valid(name: str) -> None:
    """Each shipped profile is read by the door under its own name, and its task has a ranking."""
    workload = load_workload(name, {})
    assert workload.profile == name
    assert ranking(workload.task)


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_reads_as_any_yaml_reader_reads_it(name: str) -> None:
    """Taking the file apart into text loses nothing: the values are those that a plain YAML reader gives."""
    seen = yaml.safe_load((profiles_folder() / f"{name}.yaml").read_text())
    workload = load_workload(name, {})
    assert {key: getattr(workload, key) for key in seen if key != "title"} == {
        key: item for key, item in seen.items() if key != "title"
    }


def test_one_user_is_a_desktop_and_several_are_a_chat() -> None:
    """The default profile follows the number of users, also where a form wrote it as text."""
    assert load_workload(None, {"users": 1}).profile == "desktop"
    assert load_workload(None, {"users": 50}).profile == "chat"
    assert load_workload(None, {"users": "50"}).profile == "chat"


@pytest.mark.parametrize("load", [{"concurrency": 4}, {"request_rate": "0.5"}, {"concurrency": 1}, {"staff": 200}])
def test_a_load_without_people_is_no_desktop(load: dict[str, Any]) -> None:
    """Requests in flight or a rate alone keep the task's profile, a team chat where no task is named."""
    assert load_workload(None, load).profile == "chat"
    assert load_workload(None, {**load, "task": "rag"}).profile == "rag"


@pytest.mark.parametrize("task", ranking_tasks())
def test_a_task_means_its_profile(task: str) -> None:
    """A task without a profile plans that task's load: the same models, and vectors where vectors are meant."""
    workload = load_workload(None, {"task": task, "users": 30})
    whole = load_workload(workload.profile, {})
    assert workload.users == 30
    assert task == "vision" or ranking(whole.task) == ranking(task)
    assert (workload.input_tokens, workload.kind, workload.ttft_ms) == (whole.input_tokens, whole.kind, whole.ttft_ms)
    assert task not in profile_names() or workload.profile == task


@pytest.mark.parametrize(
    ("given", "load"),
    [
        ({}, (50, None)),
        ({"users": 20}, (None, None)),
        ({"staff": 200}, (None, None)),
        ({"request_rate": 3}, (None, 3.0)),
        ({"concurrency": 5}, (5, None)),
        ({"users": 20, "concurrency": 5}, (5, None)),
    ],
)
def test_a_load_that_is_given_is_the_load(given: dict[str, Any], load: tuple[Any, Any], tmp_path: Path) -> None:
    """Of whatever kind it is, that of the profile's file says nothing beside it."""
    file = tmp_path / "own.yaml"
    file.write_text(f"{NEEDED}concurrency: 50\n", encoding="utf-8")
    found = load_workload(str(file), given)
    assert (found.concurrency, found.request_rate) == load


def test_what_is_given_beats_the_profile() -> None:
    """What is given replaces the profile's value; None and blank text mean not given."""
    workload = load_workload("chat", {"users": 7, "ttft_ms": None, "tpot_ms": " "})
    assert workload.users == 7
    assert (workload.ttft_ms, workload.tpot_ms) == (2000.0, 100.0)


@pytest.mark.parametrize(
    ("key", "text", "meant"),
    [
        ("users", "50", 50),
        ("users", " 50 ", 50),
        ("users", "5e1", 50),
        ("think_time_s", "20", 20.0),
        ("ttft_ms", "4.8e2", 480.0),
        ("tools", "no", False),
        ("tools", "on", True),
        ("exposed", "TRUE", True),
        ("kind", "embed", "embed"),
        ("engine", "both", "both"),
        ("parts", "gateway, systemd", "gateway, systemd"),
        ("node_link", "100GbE", "100GbE"),
    ],
)
def test_a_form_may_send_text(key: str, text: str, meant: object) -> None:
    """Text that spells a value is that value, of its type."""
    read = getattr(load_workload("chat", {key: text}), key)
    assert read == meant
    assert type(read) is type(meant)


def test_longer_requests_move_the_context_along() -> None:
    """An input that exceeds the profile's context raises it, rounded up to 1,024 tokens."""
    assert load_workload("chat", {"input_tokens": 9000}).context_tokens == 10240


def test_a_short_context_shortens_the_profile_input() -> None:
    """A context below the profile's lengths shortens its prompt, and the shared prefix by the same share."""
    workload = load_workload("chat", {"context_tokens": 400})
    assert (workload.input_tokens, workload.output_tokens, workload.shared_prefix_tokens) == (100, 300, 20)


@pytest.mark.parametrize(
    ("given", "users", "staff"),
    [
        ({"staff": 400}, 20, 400),
        ({"staff": "400", "active_fraction": "0.1"}, 40, 400),
        ({"staff": 3}, 1, 3),
        ({"users": 7}, 7, None),
    ],
)
def test_a_part_of_the_staff_is_active(given: dict[str, Any], users: int, staff: int | None) -> None:
    """`--staff` times the active part, at least one, are the users; users who are given are nobody's part."""
    workload = load_workload(None, given)
    assert (workload.users, workload.staff) == (users, staff)


@pytest.mark.parametrize(
    ("profile", "given", "burst"),
    [
        ("classroom", {}, 30),
        ("classroom", {"users": 60}, 60),
        ("classroom", {"users": 60, "burst_users": 10}, 10),
        ("classroom", {"staff": 600}, 30),
        ("chat", {}, 0),
        ("chat", {"burst_users": 20}, 20),
        ("chat", {"burst_users": 45}, 45),
        (None, {"burst_users": 12}, 12),
    ],
)
def test_a_burst_is_the_same_part_of_any_class(profile: str | None, given: dict[str, Any], burst: int) -> None:
    """A class of any size presses Enter together, where the profile says that the whole class does."""
    assert load_workload(profile, given).burst_users == burst


@pytest.mark.parametrize(
    ("given", "history"),
    [
        ({}, 880),
        ({"input_tokens": 1000}, 0),
        ({"input_tokens": 4000, "history_tokens": 3500}, 3500),
        ({"history_tokens": 0}, 0),
        ({"context_tokens": 400}, 88),
        ({"output_tokens": 900, "users": 7}, 880),
    ],
)
def test_a_typed_prompt_is_read_from_its_start(given: dict[str, Any], history: int) -> None:
    """Whoever types `--input-tokens` means a prompt that is read, unless the history is given too; all else keeps it."""
    assert load_workload("chat", given).history_tokens == history


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"users": "fifty"}, "users: 'fifty' is not a whole number from 1 to 1,000,000"),
        ({"users": 0}, "users: 0 is not a whole number from 1 to 1,000,000"),
        ({"users": 2.5}, "users: 2.5 is not a whole number"),
        ({"users": True}, "users: True is not a whole number"),
        ({"users": [50]}, "users: a list is not a whole number"),
        ({"users": "²"}, "users: '²' is not a whole number"),
        ({"users": "٥"}, "users: '٥' is not a whole number"),
        ({"users": 10**5000}, "users: a number of more than 60 digits is not a whole number"),
        ({"users": "9" * 5000}, "... is not a whole number"),
        ({"input_tokens": 0}, "input_tokens: 0 is not a whole number from 1 to"),
        ({"ttft_ms": -1.0}, "ttft_ms: -1.0 is not a number from 0.001 to 86,400,000"),
        ({"request_rate": float("nan")}, "request_rate: nan is not a number from 0.000001 to"),
        ({"think_time_s": float("inf")}, "think_time_s: inf is not a number from 0 to"),
        ({"think_time_s": "3000:22"}, "think_time_s: '3000:22' is not a number"),
        ({"think_time_s": "1e999"}, "think_time_s: '1e999' is not a number"),
        ({"tools": "maybe"}, "tools: 'maybe' is not true or false"),
        ({"tools": 1}, "tools: 1 is not true or false"),
        ({"ttft_kind": "hot"}, "ttft_kind: 'hot' is not one of auto, warm, cold"),
        ({"kind": "chat"}, "kind: 'chat' is not one of generate, embed"),
        ({"engine": "vlm"}, "did you mean vllm?"),
        ({"parts": "gatway,systemd"}, "did you mean gateway"),
        ({"parts": ","}, "parts: ',' is not auto, all, none, or some of"),
        ({"task": "poetry"}, "task: 'poetry' is not one of agent,"),
        ({"quantization": "q4_K_X"}, "q4_K_M"),
        ({"node_link": "a long cable"}, "node_link: 'a long cable' is not a network with its speed"),
        ({"model": "a\x1b[2Jb"}, "model: 'a\\x1b[2Jb' is not the name of a model, a folder or a .gguf file"),
        ({"model": "x" * 5000}, "longer than 4,096 characters"),
        ({"nodes": 65}, "nodes: 65 is not a whole number from 1 to 64"),
        ({"usrs": 3}, "usrs: unknown key; did you mean users? Accepted: active_fraction"),
        ({"title": "t"}, "title: unknown key"),
        ({"profile": "chat"}, "profile: unknown key"),
        ({"\x1b[2J": 3}, "'\\x1b[2J': unknown key"),
        ({3: 3}, "3: unknown key"),
    ],
)
def test_a_refusal_names_key_value_and_what_is_accepted(given: dict[Any, Any], told: str) -> None:
    """A value that cannot be meant is refused with its key, what was seen and what is accepted, in one short line."""
    message = refusal("chat", given)
    assert told in message
    assert "\x1b" not in message
    assert len(message) < 600


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"context_tokens": 100, "input_tokens": 90, "output_tokens": 20}, "context_tokens: 100 is below input_tokens"),
        ({"context_tokens": 100, "output_tokens": 200}, "context_tokens: 100 is below input_tokens"),
        ({"shared_prefix_tokens": 2000}, "shared_prefix_tokens: 2000 is more than input_tokens 1000"),
        ({"history_tokens": 2000}, "history_tokens: 2000 is more than input_tokens 1000"),
        ({"users": 3, "staff": 60}, "users and staff exclude each other"),
        ({"users": 3, "burst_users": 4}, "burst_users: 4 is more than users 3"),
        ({"concurrency": 3, "request_rate": 2.0}, "concurrency and request_rate exclude each other"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(given: dict[str, Any], told: str) -> None:
    """Numbers that are each accepted and cannot hold together are refused with both of them."""
    assert told in refusal("chat", given)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("titel: x\n", ":1: titel: unknown key; did you mean title"),
        ("title: [1\n", "is not YAML"),
        ("- a\n", "must hold keys and values, saw a list"),
        ("", "must hold keys and values, saw nothing"),
        ("[" * 5000, "is not YAML"),
        (NEEDED.replace("think_time_s: 1", "think_time_s: soon"), ":3: think_time_s: 'soon' is not a number from 0"),
        ("title: t\ntask: chat\n", "think_time_s: is missing; accepted is a number from 0 to 86,400"),
        (NEEDED.replace("task: chat", "task: ~"), "task: is missing"),
        (f"{NEEDED}engine: on\n", ":7: engine: 'on' is not one of auto"),
        (f"{NEEDED}kind: text\n", ":7: kind: 'text' is not one of generate, embed"),
        (f"{NEEDED}users: 3000:22\n", "users: '3000:22' is not a whole number"),
        (f"{NEEDED}users: 2001-99-99\n", "users: '2001-99-99' is not a whole number"),
        (f"{NEEDED}users: !!int ''\n", "users: '' is not a whole number"),
        (f"{NEEDED}ttft_ms: !!float x\n", "ttft_ms: 'x' is not a number"),
        (f"{NEEDED}users: !!timestamp x\n", "users: 'x' is not a whole number"),
        (f"{NEEDED}users: {'9' * 5000}\n", "... is not a whole number"),
        (f"{NEEDED}tools: !!bool maybe\n", "tools: 'maybe' is not true or false"),
        (f"{NEEDED}users: &a [*a]\n", "users: a list is not a whole number"),
        (f"{NEEDED}users: 3\nusers: 4\n", ":8: users: stands twice"),
        (f"{NEEDED}? [users]\n: 3\n", "a list: unknown key"),
        (f"{NEEDED}<<: {{users: 3}}\n", "'<<': unknown key"),
        (f"{NEEDED}shared_prefix_tokens: 5\n", "shared_prefix_tokens: 5 is more than input_tokens 1"),
        (f"{NEEDED}concurrency: 5\nrequest_rate: 2\n", "exclude each other"),
        (f"{NEEDED}# {'x' * 300_000}\n", "is larger than 256 KiB"),
    ],
)
def test_a_bad_profile_names_file_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    """A profile that cannot be used is refused with its path, the key, what was seen and what is accepted."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    message = refusal(str(path), {})
    assert message.startswith(str(path))
    assert told in message
    assert len(message) < 600 + len(str(path))


def test_a_profile_means_what_stands_in_it(tmp_path: Path) -> None:
    """`"no"` in quotes is no, `4.8e2` is a number, a name may look like a number, a date or null, and a BOM is no matter."""
    path = tmp_path / "mine.yaml"
    path.write_text(f'\ufeff{NEEDED}tools: "no"\nexposed: yes\nttft_ms: 4.8e2\nmodel: "null"\ntpot_ms: null\nparts:\n')
    workload = load_workload(str(path), {})
    assert (workload.tools, workload.exposed, workload.ttft_ms) == (False, True, 480.0)
    assert (workload.model, workload.tpot_ms, workload.parts) == ("null", None, "auto")


@pytest.mark.parametrize(
    "name", ["x" * 300, "a\x00b", "a\x1b[2Jb", "~nosuchuser/p.yaml", "/dev/null", ".", 3, ["chat"]]
)
def test_a_profile_that_is_no_file_is_refused(name: Any) -> None:
    """No name of a profile ends in anything but a refusal that shows it harmlessly."""
    message = refusal(name, {})
    assert message.startswith("profile: ")
    assert all(line.isprintable() for line in message.splitlines())


def test_a_profile_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A binary file is refused by name."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert refusal(str(path), {}) == f"{path}: is not UTF-8 text"


def test_an_unknown_profile_names_the_nearest() -> None:
    """A misspelt profile name is answered with the one that was meant and the list of all."""
    assert "did you mean classroom" in refusal("clasroom", {})
