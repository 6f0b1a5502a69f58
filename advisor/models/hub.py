"""A model that only the Hugging Face Hub knows: config.json and parameter count, where the Hub answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from advisor.catalog import weights_format
from advisor.edge.answers import fetched
from advisor.edge.reading import parse_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.models.config_json import spec_from_config
from advisor.models.config_types import checked
from advisor.models.count import Counts
from advisor.models.hub_bytes import with_hub_bytes
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

TIMEOUT_S, TOTAL_S = 5.0, 15.0  # without a sign of life; for a whole answer
MOST_BYTES = 4 * 2**20
ENDPOINT = "https://huggingface.co"


def fetch_model(repository: str, suggestion: str) -> tuple[ModelSpec, WeightsFormat | None]:
    """The model of a Hub repository that the catalogue does not hold.

    Raises:
        BadInput: no such repository, gated, or the Hub cannot be reached; ends with `suggestion`.
    """
    where = f"{ENDPOINT}/{quote(repository)}/raw/main/config.json"
    config = checked(fetch_json(where, repository, suggestion), where)
    found = spec_from_config(config, hf_id=repository, where=where, origin="hub", counts=_total(repository, config))
    fmt = weights_format(found.native_format)
    found = with_hub_bytes(found, fmt)
    return found, fmt if config.get("quantization_config") else None


def _total(repository: str, config: dict[str, Any]) -> Counts | None:
    """The Hub's own count, for unquantised dense models; of others it counts scales too."""
    if config.get("quantization_config") or any("expert" in key for key in config) or "text_config" in config:
        return None
    try:
        answer = fetch_json(f"{ENDPOINT}/api/models/{quote(repository)}", repository, "")
    except BadInput:
        return None
    weights = answer.get("safetensors")
    total = weights.get("total") if isinstance(weights, dict) else None
    return Counts(total, 0, 0) if isinstance(total, int) and total > 0 else None


def fetch_json(url: str, repository: str, suggestion: str) -> dict[str, Any]:
    """Fetch a small JSON document.

    Raises:
        BadInput: what the Hub answered, or why it did not.
    """
    import urllib.error

    about = f"model {shown(repository)}"
    try:
        content = fetched(url, idle_s=TIMEOUT_S, total_s=TOTAL_S, most=MOST_BYTES)
        loaded = parse_json(content, f"{about}: {url}")
    except urllib.error.HTTPError as error:
        raise BadInput(f"{about}: {_refused(error.code)}; {suggestion}") from None
    except OSError as error:  # URLError and TimeoutError are kinds of it
        reason = getattr(error, "reason", error) or type(error).__name__
        raise BadInput(
            f"{about} is not in the catalogue and the Hub could not be reached ({reason}); name "
            f"a local folder or file, or a catalogue model: {suggestion}"
        ) from None
    if not isinstance(loaded, dict):
        raise BadInput(f"{about}: {url} holds no mapping; {suggestion}")
    return loaded


def _refused(code: int) -> str:
    """What an HTTP status means here."""
    if code in (401, 403):
        return f"the Hub wants a login (HTTP {code}; gated, private or misspelt): download it, name the folder"
    if code == 404:
        return "the Hub has no config.json under that name (HTTP 404)"
    return f"the Hub answered HTTP {code}"
