"""`--from-log` and `--from-metrics`: files or an address, read and put together."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from advisor.edge.filekinds import LOG, expected
from advisor.edge.prometheus import read_samples
from advisor.edge.reading import at_home, opened, read_text, text_of
from advisor.workload.seen.figures import Observed, observed, together
from advisor.workload.seen.log import read_log, unpacked
from advisor.workload.seen.metrics import of_page
from advisor.workload.seen.server import of_server

_BEGINNING = 4096
# A page of metrics begins with a remark, or with a name and its labels or its number; a log's line holds an object.
_PAGE = re.compile(r"#|[a-zA-Z_:][\w:]*(\{\w+=\"|\s+[-+.\d]+(e[-+]?\d+)?\s*\n)")


def seen_in(log: Path | None, metrics: str | None, progress: Callable[[str], None] = lambda _: None) -> Observed | None:
    """What a log and metrics show of one load; what both show is the log's. None: neither is given.

    Raises:
        BadInput: one of them cannot be used.
        EnvironmentFailed: the server does not answer.
    """
    found = [*([_of_log(log, progress)] if log is not None else []), *([of_metrics(metrics)] if metrics else [])]
    return together(found) if found else None


def _of_log(path: Path, progress: Callable[[str], None]) -> Observed:
    with expected(LOG, path):
        return observed(read_log(path, progress))


def of_metrics(given: str) -> Observed:
    """The figures of an address or of a saved page; how old the page is, its file's date says."""
    if "://" in given:
        return of_server(given)
    path = at_home(given)
    samples = read_samples(read_text(path), str(path))
    return of_page(samples, path.stat().st_mtime if path.exists() else time.time(), str(path))


def of_file(path: Path, progress: Callable[[str], None] = lambda _: None) -> Observed:
    """The figures of a file that is a log or a saved page of metrics.

    Raises:
        BadInput: it is neither.
    """
    with expected(LOG, path):
        with opened(path) as packed, unpacked(packed, path) as stream:
            beginning = text_of(stream.read(_BEGINNING), "replace").lstrip()
        return of_metrics(str(path)) if _PAGE.match(beginning) else observed(read_log(path, progress))
