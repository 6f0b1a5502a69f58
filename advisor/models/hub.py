"""A model that only the Hugging Face Hub knows: config.json and parameter count, where the Hub answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from advisor.catalog import weights_format
from advisor.errors import BadInput
from advisor.models.config_json import spec_from_config
from advisor.models.count import Counts
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

TIMEOUT_S = 5.0
ENDPOINT = "https://huggingface.co"


def fetch_model(repository: str, suggestion: str) -> tuple[ModelSpec, WeightsFormat | None]:
    """The model of a Hub repository that the catalogue does not hold.

    Raises:
        BadInput: no such repository, gated, or the Hub cannot be reached; ends with `suggestion`.
    """
    where = f"{ENDPOINT}/{repository}/raw/main/config.json"
    config = _get(where, repository, suggestion)
    found = spec_from_config(config, hf_id=repository, where=where, origin="hub", counts=_total(repository, config))
    fmt = weights_format(found.native_format)
    return found, fmt if config.get("quantization_config") else None


def _total(repository: str, config: dict[str, Any]) -> Counts | None:
    """The Hub's own count, for unquantised dense models; of others it counts scales too."""
    if config.get("quantization_config") or any("expert" in key for key in config) or "text_config" in config:
        return None
    try:
        answer = _get(f"{ENDPOINT}/api/models/{repository}", repository, "")
    except BadInput:
        return None
    total = (answer.get("safetensors") or {}).get("total")
    return Counts(int(total), 0, 0) if total else None


def _get(url: str, repository: str, suggestion: str) -> dict[str, Any]:
    """Fetch a small JSON document.

    Raises:
        BadInput: what the Hub answered, or why it did not.
    """
    import urllib.error
    import urllib.request

    request = urllib.request.Request(url, headers={"User-Agent": "advisor"})  # noqa: S310 - the address is ours, https
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            loaded = json.loads(answer.read(4 * 2**20))
    except urllib.error.HTTPError as error:
        raise BadInput(f"model {repository!r}: {_refused(error.code)}; {suggestion}") from None
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise BadInput(
            f"model {repository!r} is not in the catalogue and the Hub could not be reached ({reason}); name "
            f"a local folder or file, or a catalogue model: {suggestion}"
        ) from None
    except ValueError:
        raise BadInput(f"model {repository!r}: {url} is not JSON; {suggestion}") from None
    if not isinstance(loaded, dict):
        raise BadInput(f"model {repository!r}: {url} holds no mapping; {suggestion}")
    return loaded


def _refused(code: int) -> str:
    """What an HTTP status means here."""
    if code in (401, 403):
        return f"the Hub wants a login (HTTP {code}; gated, private or misspelt): download it, name the folder"
    if code == 404:
        return "the Hub has no config.json under that name (HTTP 404)"
    return f"the Hub answered HTTP {code}"
