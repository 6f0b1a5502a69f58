"""Fixtures for real engines live with the smoke tests; pytest shows a conftest to its own folder only."""

from __future__ import annotations

from tests.smoke.conftest import engines, interrupted_by_sigterm

__all__ = ["engines", "interrupted_by_sigterm"]
