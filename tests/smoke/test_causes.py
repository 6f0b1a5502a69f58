"""Why an engine ended, from lines that real engines, run.sh and Compose have printed."""

from __future__ import annotations

import pytest

from advisor.smoke.causes import cause_of

LINES = {
    "run.sh: port 11434 is taken: stop what listens there": "port taken",
    "Bind for 127.0.0.1:8000 failed: port is already allocated": "port taken",
    "vllm: error: unrecognized arguments: --max-num-queued-wishes 40": "unknown flag",
    "Error response from daemon: No such image: advisor-tests/none:0": "missing image",
    "Error response from daemon: pull access denied for advisor-tests/none": "missing image",
    'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /m': "missing model",
    "run.sh: ollama is not installed: https://ollama.com/download": "missing program",
    "Error: write /root/.ollama/models/blobs/sha256-partial: no space left on device": "disk full",
    "container advisor-engine-1 is unhealthy": "not healthy in time",
}


@pytest.mark.parametrize(("line", "kind"), LINES.items())
def test_a_line_tells_the_cause(line: str, kind: str) -> None:
    """Each known line is recognised among others, and is the one that is shown."""
    found, shown, advice = cause_of(f"INFO starting\n{line}\nINFO bye")
    assert (found, shown) == (kind, line) and advice


def test_the_kernel_is_believed_first() -> None:
    """Processes ended for want of memory explain a failure whatever the log says."""
    assert cause_of("address already in use", kills_for_memory=2)[0] == "out of memory"


def test_a_warning_of_vllm_on_a_processor_is_no_cause() -> None:
    """Triton is not installed with the CPU build, and need not be."""
    log = "WARNING [cpu.py:224] Triton is not installed.\nrun.sh: the engine ended; its last lines are above"
    assert cause_of(log)[0] == "the engine ended"


def test_an_unknown_end_is_told_in_its_own_words() -> None:
    """No known cause: the last line that speaks of an error."""
    assert cause_of("ready\nRuntimeError: the moon is full\nbye") == (
        "the engine ended", "RuntimeError: the moon is full", "read the whole log",
    )  # fmt: skip
