"""`advisor check DIR`: the checklist of a deployment folder, run as commands on this host. Changes nothing."""

from __future__ import annotations

from advisor.check.outcome import CheckReport, Line
from advisor.check.run import check_folder

__all__ = ["CheckReport", "Line", "check_folder"]
