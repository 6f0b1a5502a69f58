"""`advisor` as a program that knows the stub engine too: `python stub_program.py smoke DIR ...`."""

from __future__ import annotations

import pytest

from advisor.cli import main
from tests.engines.test_stub_engine import register

if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patched:
        register(patched)
        main()
