"""The lines of the pre-deployment checklist that every engine needs; each engine adds its own.

A command that succeeds (exit 0) is a pass. Commands are for bash, run in the deployment folder, and change
nothing.
"""

from __future__ import annotations

from advisor.checks.cards import card_checks
from advisor.checks.containers import container_checks
from advisor.checks.machine import machine_checks
from advisor.schema import Check, Plan

__all__ = ["host_checks"]


def host_checks(plan: Plan) -> tuple[Check, ...]:
    """System, memory, disk, port, cards, container tools and files, in the order in which a person goes."""
    return (*machine_checks(plan), *card_checks(plan), *container_checks(plan))
