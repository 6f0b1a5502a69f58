"""The file of a bundle, from a disk or from an address, within a size and a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from advisor.bundles.archive import MOST_BYTES
from advisor.edge.reading import at_home, read_bytes
from advisor.edge.terminal import shown
from advisor.errors import BadInput, EnvironmentFailed
from advisor.units import MIB, whole

if TYPE_CHECKING:
    from http.client import HTTPResponse

TIMEOUT_S, TOTAL_S = 15.0, 300.0  # without a sign of life; for the whole file
_PIECE = 64 * 1024


def fetch(where: str) -> bytes:
    """The content of a file or of what an address answers.

    Raises:
        BadInput: no such file, a kind of address that is not read, or more than a bundle may be.
        EnvironmentFailed: the address does not answer, or the connection ends before the file does.
    """
    kind, separator, rest = where.partition("://")
    if not separator:
        return read_bytes(at_home(where), where=f"--from {where}", most=MOST_BYTES)
    if kind.lower() not in ("https", "http"):
        raise BadInput(f"--from {shown(where)}: accepted are a file, https:// and http://")
    if "@" in rest.partition("/")[0]:
        raise BadInput("--from: an address with a user or a key in it would stand in messages; give one without")
    return _asked(where)


def _asked(url: str) -> bytes:
    import http.client
    import urllib.error
    import urllib.request

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "advisor"})  # noqa: S310 - checked by `fetch`
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return _whole(answer, url)
    except urllib.error.HTTPError as error:
        raise EnvironmentFailed(f"{url}: answered HTTP {error.code}, no bundle; the catalogue is as it was") from None
    except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError are kinds of OSError
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise EnvironmentFailed(f"{url}: does not answer ({reason}); the catalogue is as it was") from None
    except ValueError as error:  # an address that no system takes apart
        raise BadInput(f"--from {shown(url)}: is no address ({error})") from None


def _whole(answer: HTTPResponse, url: str) -> bytes:
    """Everything that is sent: as much as was announced, no more than a bundle may be, before the time is over."""
    announced = answer.headers.get("Content-Length", "")
    content, end = bytearray(), time.monotonic() + TOTAL_S
    while piece := answer.read1(_PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            raise BadInput(f"{url}: sends more than {MOST_BYTES // MIB} MiB, and no bundle is as large")
        if time.monotonic() > end:
            raise TimeoutError(f"no whole answer within {TOTAL_S:g} s")
    if len(content) < (told := whole(announced) or 0):
        raise ConnectionError(f"the connection ended after {len(content):,} of {told:,} bytes")
    return bytes(content)
