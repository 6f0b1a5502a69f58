"""`load_workload(profile, overrides) -> Workload`: the one door for the command line, forms and Python callers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import BadInput
from advisor.schema import Workload
from advisor.workload.key import key_named
from advisor.workload.keys import OF_WORKLOAD
from advisor.workload.profiles import find_profile, profile_names, profiles_folder, read_profile

__all__ = ["default_profile", "load_workload", "profile_names", "profiles_folder"]


# Tasks whose profile has another name; the others that have a profile share its name.
_OF_TASK = {
    "agent": "code-agent",
    "api": "production-api",
    "code": "code-completion",
    "completion": "code-completion",
    "embed": "embedding",
    "offline": "batch",
    "rerank": "reranking",
    "summarize": "rag",
}
_MADE = {"embedding": ("embed", "vectors"), "reranking": ("rerank", "scores")}  # profile → its kind
_ASKED = {"generate": "text", "embed": "vectors", "rerank": "scores"}
_OF_PROMPT = ("shared_prefix_tokens", "history_tokens")


def default_profile(given: Mapping[str, Any]) -> str:
    """The profile of the task; for a chat or none, one person is a desktop, several or a load are a team."""
    task = str(given.get("task", "chat"))
    named = _OF_TASK.get(task, task)
    if named != "chat" and named in profile_names():
        return named
    given_as = ("staff", "burst_users", "concurrency", "request_rate")
    crowd = (given.get("users") or 1) > 1 or any(given.get(key) is not None for key in given_as)
    return "chat" if crowd else "desktop"


def load_workload(profile: str | None, overrides: Mapping[str, Any]) -> Workload:
    """Read a profile and put what is given over it.

    Args:
        profile: a shipped name, a path to a YAML file, or None for the default by task and load.
        overrides: values by `Workload` key, or the text that spells them: `"50"` is 50, `"no"` is False. None and
            blank text mean "not given".

    Raises:
        BadInput: unknown profile or key, a value that is not accepted, or numbers that contradict each other; names
            the key, what was seen and what is accepted, and the file where it came from one.
    """
    given = _given(overrides)
    path = find_profile(profile or default_profile(given))
    workload = Workload(profile=path.stem, **_reconciled(read_profile(path), given))
    _consistent(workload, path, given)
    return workload


def _given(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given, of their types and within their bounds."""
    keys = {name: key_named(name, OF_WORKLOAD) for name in overrides}
    said = {name: item for name, item in overrides.items() if not (item is None or _blank(item))}
    return {name: keys[name].read(item) for name, item in said.items()}


def _blank(item: object) -> bool:
    return isinstance(item, str) and not item.strip()


def _reconciled(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given moves the profile's other lengths along, where those were not given."""
    data = {**base, **dict.fromkeys(_unsaid(given)), **given}
    if "users" in given and "staff" not in given:
        data["staff"] = None
    if data["staff"] is not None:
        data["users"] = max(1, round(data["staff"] * data["active_fraction"]))
    elif "users" not in given:  # whoever asks at once is one of the users
        data["users"] = max(data["users"], given.get("burst_users", 0))
    if data["host"] is not None and "exposed" not in given:
        data["exposed"] = True
    if "burst_users" not in given:  # the same part of a smaller or larger crowd
        data["burst_users"] = round(data["burst_users"] / base["users"] * data["users"])
    if "beside" not in given and given.get("task", base["task"]) != base["task"]:
        data["beside"] = None  # what the profile's task needs beside it, another may not
    need = data["input_tokens"] + data["output_tokens"]
    if "context_tokens" not in given and need > data["context_tokens"]:
        data["context_tokens"] = math.ceil(need / 1024) * 1024
    if "input_tokens" not in given and need > data["context_tokens"] > data["output_tokens"]:
        data["input_tokens"] = data["context_tokens"] - data["output_tokens"]
    for key in _OF_PROMPT:
        if key not in given:  # the same share of a shorter or longer prompt
            data[key] = int(data[key] / base["input_tokens"] * data["input_tokens"])
    if "input_tokens" in given and "history_tokens" not in given:
        data["history_tokens"] = 0  # whoever counts a prompt means one that is read
    return data


def _unsaid(given: Mapping[str, Any]) -> set[str]:
    """Which load of the profile says nothing any more: whoever types people, requests or a rate means that one."""
    loads, people = {"concurrency", "request_rate"}, {"users", "staff"}
    return loads if given.keys() & (loads | people) else set()


def _consistent(workload: Workload, path: Path, given: Mapping[str, Any]) -> None:
    """Refuse numbers that contradict each other, naming the key, or the file that holds it."""

    def where(key: str) -> str:
        return key if key in given else f"{path}: {key}"

    need = workload.input_tokens + workload.output_tokens
    if workload.context_tokens < need:
        raise BadInput(
            f"{where('context_tokens')}: {workload.context_tokens} is below input_tokens + output_tokens = "
            f"{workload.input_tokens} + {workload.output_tokens} = {need}; raise it or shorten the requests",
            near=str(need),
            flag="--context-tokens",
        )
    for key in _OF_PROMPT:
        part = getattr(workload, key)
        if part > workload.input_tokens:
            raise BadInput(
                f"{where(key)}: {part} is more than input_tokens {workload.input_tokens}",
                near=str(part),
                flag="--input-tokens",
            )
    if given.keys() >= {"users", "staff"}:
        raise BadInput(
            "users and staff exclude each other: users are the part of the staff that is active", drop=("--users",)
        )
    _heard(workload, given)
    if workload.burst_users > workload.users:
        raise BadInput(
            f"{where('burst_users')}: {workload.burst_users} is more than users {workload.users}",
            near=str(workload.burst_users),
            flag="--users",
        )
    if workload.concurrency is not None and workload.request_rate is not None:
        raise BadInput(
            f"{where('concurrency')} and {where('request_rate')} exclude each other: the first is a closed loop, "
            "the second an open one",
            drop=("--request-rate",),
        )
    profile = _OF_TASK.get(workload.task, workload.task)
    kind, made = _MADE.get(profile, (workload.kind, ""))
    if workload.kind != kind:
        raise BadInput(
            f"{where('task')}: {workload.task} picks models that make {made}, and {path.stem} asks for "
            f"{_ASKED[workload.kind]}; take --profile {profile}, or say `kind: {kind}`",
            near=profile,
            flag="--profile",
        )


def _heard(workload: Workload, given: Mapping[str, Any]) -> None:
    """Refuse what would be ignored beside what else was given."""
    if "active_fraction" in given and workload.staff is None:
        raise BadInput(
            "active_fraction is the part of staff that is active: give staff too, or users alone",
            drop=("--active-fraction",),
        )
    if "host" in given and given.get("exposed") is False:
        raise BadInput("host and no-exposed exclude each other: under a name others reach it", drop=("--no-exposed",))
    named = [word.partition("=")[0].strip() for word in (given.get("engine_version") or "").split(",") if word.strip()]
    if named and given.get("engine", "auto") not in ("auto", "both", *named):
        raise BadInput(
            f"engine_version: is of {', '.join(named)}, and engine: is {given['engine']}; leave one of the two",
            drop=("--engine",),
        )
