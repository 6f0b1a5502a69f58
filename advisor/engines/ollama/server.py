"""The Ollama that serves the plan: one of its own, or the one that runs here already; and what is set on the latter."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.catalog.flags import accepted
from advisor.catalog.versions import facts
from advisor.engines.versions import server_in_use
from advisor.quoting import shell
from advisor.schema import Hardware, Plan, Setting, Workload

USUAL_PORT = 11434
OTHER_PORT = 11435  # of a server of its own, where one runs at the usual port
ADDRESS = "OLLAMA_HOST"
_SAME_AS_UNSET = {"OLLAMA_FLASH_ATTENTION": "1", "OLLAMA_KV_CACHE_TYPE": "f16"}  # of most cards


def port_of(hardware: Hardware, workload: Workload) -> int:
    """The port of the running server that is used, else one that is free of it."""
    used = server_in_use("ollama", hardware, workload)
    if used is not None:
        return int(used.address.rpartition(":")[2])
    taken = any(each.address.endswith(f":{USUAL_PORT}") for each in hardware.running)
    return OTHER_PORT if taken else USUAL_PORT


def to_set(settings: tuple[Setting, ...], version: str) -> tuple[Setting, ...]:
    """Of the settings those that a server must be told. The context stands in the Modelfile as well."""
    defaults = {name: each.get("default") for name, each in accepted("ollama")["env"].items()}
    defaults |= facts("ollama", version).defaults
    return tuple(
        each
        for each in settings
        if each.kind == "env"
        and each.name not in (ADDRESS, "OLLAMA_CONTEXT_LENGTH")
        and each.value not in (str(defaults.get(each.name)), _SAME_AS_UNSET.get(each.name))
    )


def set_commands(plan: Plan) -> tuple[str, ...]:
    """What a person types to set them, on the plan's system."""
    rows = [(each.name, each.value or "") for each in to_set(plan.settings, plan.engine_version)]
    if not rows:
        return ()
    ways: Mapping[str, tuple[str, ...]] = {
        "darwin": (
            *(f"launchctl setenv {name} {shell(text)}" for name, text in rows),
            "# then quit Ollama and open it",
        ),
        "windows": (*(f'setx {name} "{text}"' for name, text in rows), "# then quit Ollama and start it"),
        "linux": (
            "sudo systemctl edit ollama   # put these lines into it:",
            "[Service]",
            *(f'Environment="{name}={text}"' for name, text in rows),
            "# then: sudo systemctl restart ollama   (a server started by hand: export them before `ollama serve`)",
        ),
    }
    return ways[plan.hardware.os]
