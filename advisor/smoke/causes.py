"""Why an engine did not start or died, from its log: what happened, the line that says so, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from advisor.catalog.vendors import vendors


class Cause(NamedTuple):
    """One known way to fail."""

    kind: str
    pattern: re.Pattern[str]
    advice: str


def _cause(kind: str, pattern: str, advice: str) -> Cause:
    return Cause(kind, re.compile(pattern, re.IGNORECASE), advice)


def _vendors_signs() -> Iterator[str]:
    """What is printed where a vendor's driver is missing."""
    for vendor in vendors().values():
        yield from vendor.no_driver_signs


# In the order of what explains most: a full disk or a missing flag also shows as a dead engine process.
CAUSES = (
    _cause(
        "disk full",
        r"no space left on device|errno 28|disk quota exceeded",
        "free some disk, or move the model store",
    ),
    _cause(
        "port taken",
        r"address already in use|port \d+ is taken|errno 98|bind: address|port is already allocated",
        "stop what listens on that port",
    ),
    _cause(
        "unknown flag",
        r"unrecognized arguments?:? .*|unknown flag:? .*|invalid choice:? .*|argument --\S+: .*|unknown parameter .*|"
        r"expected (one|at least one) argument.*|no such option.*",
        "render the folder again for the installed version, or correct the flag",
    ),
    _cause(
        "no driver",
        "|".join(("could not select device driver", "failed to infer device type", *_vendors_signs())),
        "install the GPU driver (and, for containers, the vendor's toolkit)",
    ),
    _cause(
        "out of memory",
        r"out of memory|outofmemory|cannot allocate memory|failed to allocate|no available memory for the cache|"
        r"free memory on device|std::bad_alloc|memoryerror|oom[- ]?kill|estimated maximum model length|"
        r"to serve at least one request|signal: killed",
        "end other programs, or plan fewer slots, a shorter context or a smaller format",
    ),
    _cause(
        "missing model",
        r"repository not found|is not a valid model identifier|not a local folder|does not appear to have a file|"
        r"no such file or directory.*(gguf|safetensors|config\.json)|localentrynotfounderror|outgoing traffic has been "
        r"disabled|invalid repository id|file does not exist|pull model manifest|couldn't connect to 'https://|"
        r"model path .* does not exist|could not be fetched|no model found|invalid model name|is gated|gatedrepo|"
        r"bind source path does not exist",
        "fetch the model first, and check its name or path in plan.json",
    ),
    _cause("missing image", r"no such image|pull access denied|manifest unknown|manifest for .* not found|"
           r"failed to resolve reference|error response from daemon: get \"https://",
           "docker compose pull, or correct the image's name"),
    _cause("missing program", r"run\.sh: \S+ is not installed.*|llama-server binary not found|: command not found|"
           r"executable file not found", "install the engine"),
    _cause("not healthy in time", r"not healthy after \d+ s.*|timed out waiting|is unhealthy|context deadline exceeded",
           "look at the log: it was still working, or hangs"),
)  # fmt: skip


def cause_of(log: str, *, kills_for_memory: int = 0) -> tuple[str, str, str]:
    """The kind of failure, the line that shows it, and what to do.

    Args:
        log: everything the engine and its starter printed.
        kills_for_memory: how many processes the kernel ended for want of memory meanwhile.
    """
    if kills_for_memory > 0:
        line = f"the kernel ended {kills_for_memory} process(es) for want of memory"
        return "out of memory", line, _advice("out of memory")
    lines = log.splitlines()
    for cause in CAUSES:
        for line in reversed(lines):
            if cause.pattern.search(line):
                return cause.kind, line.strip()[:300], cause.advice
    errors = [line.strip() for line in lines if re.search(r"error|fatal|panic|killed|failed", line, re.IGNORECASE)]
    said = errors or [line.strip() for line in lines if line.strip()]
    return "the engine ended", (said[-1] if said else "it printed nothing")[:300], "read the whole log"


def _advice(kind: str) -> str:
    return next(cause.advice for cause in CAUSES if cause.kind == kind)
