"""The lines of the pre-deployment checklist that every engine needs; each engine adds its own.

A command that succeeds (exit 0) is a pass. Commands are for bash, run in the deployment folder, and change
nothing. Whatever comes out of a plan passes `quoting.shell`, because a plan is a file that anybody may have edited.
"""

from __future__ import annotations

from advisor.checklist.cards import card_checks
from advisor.checklist.containers import container_checks
from advisor.checklist.folder import folder_checks
from advisor.checklist.machine import machine_checks
from advisor.checklist.people import people_checks
from advisor.checklist.storage import storage_checks
from advisor.checklist.versions import present_checks, stated_version, version_check
from advisor.schema import Check, Plan

__all__ = ["host_checks", "stated_version"]


def host_checks(plan: Plan) -> tuple[Check, ...]:
    """System, memory, disk, port, cards, container tools, files, people, in the order in which a person goes."""
    return (
        *machine_checks(plan),
        *present_checks(plan),
        version_check(plan),
        *storage_checks(plan),
        *card_checks(plan),
        *container_checks(plan),
        *folder_checks(plan),
        *people_checks(plan),
    )
