"""Where things lie on a host that runs the engine without containers: programs, configuration, state."""

from __future__ import annotations

from advisor.engines.naming import slug
from advisor.schema import Plan


def unit_name(plan: Plan) -> str:
    """The name of the service, its folders and its user."""
    return slug(plan.name)


def engine_home(plan: Plan) -> str:
    """Where the pinned engine is installed: with its version, so that the one before stays for a way back."""
    return f"/opt/{plan.launch.program[0]}-{plan.engine_version}"


def engine_program(plan: Plan) -> str:
    """The engine's program; units take no other path than a whole one."""
    return f"{engine_home(plan)}/bin/{plan.launch.program[0]}"


def config_folder(plan: Plan) -> str:
    """Keys, tokens, Caddyfile and the model's own file: /etc/<name>."""
    return f"/etc/{unit_name(plan)}"


def state_folder(plan: Plan) -> str:
    """Models and whatever has to outlive the process: /var/lib/<name>."""
    return f"/var/lib/{unit_name(plan)}"


def cache_folder(plan: Plan) -> str:
    """Compiled kernels and their like: /var/cache/<name>."""
    return f"/var/cache/{unit_name(plan)}"
