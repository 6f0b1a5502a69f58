"""The helpers of the engine and smoke tests, for the tests of what stands around an engine."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
for folder in ("engines", "smoke"):
    sys.path.insert(0, str(TESTS / folder))

# Fixtures for real engines and Docker live with the smoke tests; pytest shows a conftest to its own folder only.
_found = importlib.util.spec_from_file_location("smoke_conftest", TESTS / "smoke" / "conftest.py")
assert _found is not None and _found.loader is not None
smoke_conftest = importlib.util.module_from_spec(_found)
_found.loader.exec_module(smoke_conftest)
engines = smoke_conftest.engines
make = smoke_conftest.make
daemon = smoke_conftest.daemon
docker = smoke_conftest.docker
interrupted_by_sigterm = smoke_conftest.interrupted_by_sigterm
