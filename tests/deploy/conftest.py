"""Fixtures for real engines and Docker live with the smoke tests; pytest shows a conftest to its own folder only."""

from __future__ import annotations

from tests.smoke.conftest import daemon, docker, engines, interrupted_by_sigterm, make

__all__ = ["daemon", "docker", "engines", "interrupted_by_sigterm", "make"]
