"""What a part of the deployment around the engine has to offer. A part is a module of plain functions."""

from __future__ import annotations

from typing import Protocol

from advisor.engines.base import Placement
from advisor.schema import Check, Plan


class Part(Protocol):
    """The interface of one part. Every function is pure and sees the plan as far as it is made."""

    def wanted(self, plan: Plan) -> bool:
        """Whether this plan needs the part when nobody says anything (`--parts auto`)."""
        ...

    def possible(self, plan: Plan) -> str:
        """Why the part cannot be had for this plan; empty when it can."""
        ...

    def facts(self, plan: Plan) -> object:
        """What the templates see under the part's name: a frozen value, decided in Python."""
        ...

    def placements(self, plan: Plan) -> tuple[Placement, ...]:
        """The templates of this part, and the file that each becomes."""
        ...

    def checks(self, plan: Plan) -> tuple[Check, ...]:
        """The lines of the checklist that only this part needs."""
        ...
