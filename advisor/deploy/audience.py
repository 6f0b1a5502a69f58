"""Who depends on the deployment: one person at a desk, or others."""

from __future__ import annotations

from advisor.schema import Plan


def serves_others(plan: Plan) -> bool:
    """Whether more than one person, or another program, depends on it."""
    asked = plan.workload
    return asked.exposed or asked.production or asked.users > 1 or (asked.concurrency or 1) > 1


def is_linux_service(plan: Plan) -> bool:
    """Whether others depend on it, on the system where services are kept running."""
    return serves_others(plan) and plan.hardware.os == "linux"
