"""Profiles and options: what is accepted, what is refused, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import wire
from advisor.catalog.ranking import ranking
from advisor.errors import BadInput
from advisor.workload import Profile, _read, load_workload, profile_names, profiles_folder


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_is_valid(name: str) -> None:
    """Each shipped profile passes the same check as a user's file, and its task has a ranking."""
    profile = wire.from_data(Profile, _read(profiles_folder() / f"{name}.yaml"), where=name)
    assert profile.title
    assert ranking(profile.task)
    assert load_workload(name, {}).profile == name


def test_every_profile_key_is_documented() -> None:
    """profiles/README.md has a line for each key that a profile may hold."""
    text = (profiles_folder() / "README.md").read_text()
    missing = [key for key in Profile.__dataclass_fields__ if f"| `{key}` |" not in text]
    assert not missing


def test_one_user_is_a_desktop_and_several_are_a_chat() -> None:
    """The default profile follows the number of users."""
    assert load_workload(None, {"users": 1}).profile == "desktop"
    assert load_workload(None, {"users": 50}).profile == "chat"


def test_an_option_beats_the_profile() -> None:
    """What is given on the command line replaces the profile's value; None means not given."""
    workload = load_workload("chat", {"users": 7, "ttft_ms": None})
    assert workload.users == 7
    assert workload.ttft_ms == load_workload("chat", {}).ttft_ms


def test_longer_requests_move_the_context_along() -> None:
    """An input that exceeds the profile's context raises it, rounded up to 1,024 tokens."""
    assert load_workload("chat", {"input_tokens": 9000}).context_tokens == 10240


def test_a_short_context_shortens_the_profile_input() -> None:
    """A context below the profile's lengths shortens its prompt, and the shared prefix by the same share."""
    workload = load_workload("chat", {"context_tokens": 400})
    assert (workload.input_tokens, workload.output_tokens, workload.shared_prefix_tokens) == (100, 300, 20)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"users": 0}, "--users: must be at least 1, saw 0"),
        ({"context_tokens": 100, "input_tokens": 90, "output_tokens": 20}, "--context-tokens: 100 is below"),
        ({"ttft_ms": -1.0}, "--ttft-ms: must be a number above 0"),
        ({"request_rate": float("nan")}, "--request-rate: must be a number above 0"),
        ({"concurrency": 3, "request_rate": 2.0}, "exclude each other"),
        ({"think_time_s": float("inf")}, "--think-time-s"),
    ],
)
def test_contradictions_name_the_option(options: dict[str, float], named: str) -> None:
    """A number that cannot be meant is refused with the option's name and what was seen."""
    with pytest.raises(BadInput, match=named.replace("(", r"\(")):
        load_workload("chat", options)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("titel: x\n", "titel: unknown key; did you mean title"),
        ("title: [1\n", "is not YAML"),
        ("- a\n", "must hold keys and values, saw list"),
        (
            "title: t\ntask: chat\nthink_time_s: soon\ninput_tokens: 1\noutput_tokens: 1\ncontext_tokens: 9\n",
            "think_time_s",
        ),
        ("title: t\ntask: chat\n", "think_time_s: is missing"),
        (
            "title: t\ntask: chat\nthink_time_s: 1\ninput_tokens: 1\noutput_tokens: 1\ncontext_tokens: 9\nengine: on\n",
            "engine",
        ),
    ],
)
def test_a_bad_profile_names_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    """A profile that cannot be used is refused with its path, the key and what was seen."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        load_workload(str(path), {})
    assert str(path) in str(refused.value)
    assert named in str(refused.value)


def test_an_unknown_profile_names_the_nearest() -> None:
    """A misspelt profile name is answered with the one that was meant and the list of all."""
    with pytest.raises(BadInput, match="Did you mean classroom"):
        load_workload("clasroom", {})
