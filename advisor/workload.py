"""`load_workload(profile, overrides) -> Workload`: one YAML file, and what the command line says over it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from advisor import wire
from advisor.errors import BadInput
from advisor.schema import Workload, value

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEYS = tuple(f.name for f in fields(Workload) if f.name != "profile")


@value
class Profile:
    """A profile file as it stands: every key of `Workload` but its name, and a title."""

    title: str
    task: str
    think_time_s: float
    input_tokens: int
    output_tokens: int
    context_tokens: int
    users: int = 1
    concurrency: int | None = None
    request_rate: float | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    shared_prefix_tokens: int = 0
    model: str | None = None
    quantization: str = "auto"
    engine: str = "auto"
    tools: bool = False
    production: bool = False
    exposed: bool = False
    allow_offload: bool = False
    offline: bool = False
    parts: str = "auto"
    nodes: int | None = None
    node_link: str | None = None
    kind: str = "generate"


@cache
def profiles_folder() -> Path:
    """Where the shipped profiles lie: beside the package in a checkout, inside it in an installed wheel."""
    installed = Path(__file__).parent / "_profiles"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "profiles"


def profile_names() -> tuple[str, ...]:
    """Names of the shipped profiles."""
    return tuple(sorted(path.stem for path in profiles_folder().glob("*.yaml")))


def default_profile(users: int | None) -> str:
    """One person is a desktop; several are a team chat."""
    return "desktop" if users is None or users <= 1 else "chat"


def load_workload(profile: str | None, overrides: Mapping[str, Any]) -> Workload:
    """Read a profile and put the given options over it.

    Args:
        profile: a shipped name, a path to a YAML file, or None for the default by number of users.
        overrides: values by `Workload` key; None means "not given".

    Raises:
        BadInput: unknown profile or key, a value of the wrong kind, or numbers that contradict each other.
    """
    given = {key: item for key, item in overrides.items() if item is not None}
    name = profile or default_profile(given.get("users"))
    path = _find(name)
    data = _read(path)
    # Shipped profiles are checked by the tests; a cold start does not pay for it again.
    base = dict(data) if path.parent == profiles_folder() else wire.to_data(_checked(data, path))
    base.pop("title", None)
    workload = Workload(profile=path.stem, **_reconciled(base, given))
    _consistent(workload, path, given)
    return workload


def _find(name: str) -> Path:
    shipped = profiles_folder() / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    path = Path(name)
    if path.is_file():
        return path
    near = difflib.get_close_matches(name, profile_names(), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise BadInput(
        f"--profile {name}: is neither a shipped profile nor a file.{hint} Shipped: {', '.join(profile_names())}"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise BadInput(f"{path}: must hold keys and values, saw {type(data).__name__}")
    return data


def _checked(data: dict[str, Any], path: Path) -> Profile:
    for key in data:
        if key not in {f.name for f in fields(Profile)}:
            near = difflib.get_close_matches(str(key), sorted(f.name for f in fields(Profile)), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadInput(f"{path}: {key}: unknown key{hint} Accepted: {', '.join(sorted(_KEYS))}")
    return wire.from_data(Profile, data, where=str(path))


def _reconciled(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given on the command line moves the profile's other lengths along, where those were not given."""
    profile_input_tokens = base["input_tokens"]
    data = {**base, **given}
    need = data["input_tokens"] + data["output_tokens"]
    if "context_tokens" not in given and need > data["context_tokens"]:
        data["context_tokens"] = math.ceil(need / 1024) * 1024
    if "input_tokens" not in given and need > data["context_tokens"] > data["output_tokens"]:
        data["input_tokens"] = data["context_tokens"] - data["output_tokens"]
    if "shared_prefix_tokens" not in given:  # the same share of a shorter or longer prompt
        share = data.get("shared_prefix_tokens", 0) / profile_input_tokens
        data["shared_prefix_tokens"] = int(share * data["input_tokens"])
    for key in _SECONDS_AND_RATES:  # YAML's `20` and a plan's `20.0` are the same pause
        if data.get(key) is not None:
            data[key] = float(data[key])
    return data


_SECONDS_AND_RATES = ("think_time_s", "request_rate", "ttft_ms", "tpot_ms")


def _consistent(workload: Workload, path: Path, given: Mapping[str, Any]) -> None:
    """Refuse numbers that contradict each other, naming the flag or the file that holds them."""

    def where(key: str) -> str:
        return f"--{key.replace('_', '-')}" if key in given else f"{path}: {key}"

    for key in ("users", "input_tokens", "output_tokens", "context_tokens", "concurrency"):
        number = getattr(workload, key)
        if number is not None and number < 1:
            raise BadInput(f"{where(key)}: must be at least 1, saw {number}")
    for key in ("ttft_ms", "tpot_ms", "request_rate"):
        number = getattr(workload, key)
        if number is not None and not 0 < number < float("inf"):
            raise BadInput(f"{where(key)}: must be a number above 0, saw {number}")
    for key in ("think_time_s", "shared_prefix_tokens"):
        number = getattr(workload, key)
        if not 0 <= number < float("inf"):
            raise BadInput(f"{where(key)}: must be 0 or more, saw {number}")
    need = workload.input_tokens + workload.output_tokens
    if workload.context_tokens < need:
        raise BadInput(
            f"{where('context_tokens')}: {workload.context_tokens} is below input_tokens + output_tokens = "
            f"{workload.input_tokens} + {workload.output_tokens} = {need}; raise it or shorten the requests"
        )
    if workload.shared_prefix_tokens > workload.input_tokens:
        raise BadInput(
            f"{where('shared_prefix_tokens')}: {workload.shared_prefix_tokens} is more than input_tokens "
            f"{workload.input_tokens}"
        )
    if workload.concurrency is not None and workload.request_rate is not None:
        raise BadInput(
            "--concurrency and --request-rate exclude each other: the first is a closed loop, the second an open one"
        )
