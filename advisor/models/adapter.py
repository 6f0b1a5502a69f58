"""A folder with adapter_config.json (LoRA, as PEFT saves it) → its base model, with the adapter on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.edge.reading import at_home, read_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.schema import Adapter, ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM has kernels for; an adapter takes the next one
# What PEFT saves beside the two matrices, and no engine here loads (vllm/lora/peft_helper.py).
REFUSED = ("use_dora", "lora_bias", "modules_to_save")


def read_adapter(folder: Path, *, offline: bool) -> tuple[ModelSpec, WeightsFormat | None]:
    """The base model of an adapter with the adapter on it.

    Raises:
        BadInput: no LoRA, one that no engine loads, or a base that is not known; names the file.
    """
    from advisor.models.names import ADAPTER, find_model_and_format, is_adapter

    where = str(folder / ADAPTER)
    config = read_json(folder / ADAPTER)
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        said = config.get("peft_type") if isinstance(config, dict) else config
        raise BadInput(f"{where}: peft_type: must be LORA, the one kind that is served; saw {shown(str(said))}")
    for key in REFUSED:
        if config.get(key):
            raise BadInput(f"{where}: {key}: is served by no engine here; merge the adapter into its base model")
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base.strip():
        raise BadInput(f"{where}: base_model_name_or_path: must name the base model; saw {shown(str(base))}")
    if is_adapter(at_home(base)):  # which may well be this one, over and over
        raise BadInput(f"{where}: base_model_name_or_path: must name a model; {shown(base)} is an adapter itself")
    try:
        spec, implied = find_model_and_format(base, offline=offline)
    except BadInput as unknown:
        raise BadInput(f"{where}: base_model_name_or_path: {unknown}") from None
    adapter = Adapter(name=folder.resolve().name, path=str(folder.resolve()), rank=_rank(config, where))
    return replace(spec, adapters=(adapter,)), implied


def _rank(config: dict[str, Any], where: str) -> int:
    """The rank of its matrices, the largest of them where layers have their own."""
    own = config.get("rank_pattern") or {}
    if not isinstance(own, dict):
        raise BadInput(f"{where}: rank_pattern: must be a mapping of layers to ranks; saw {shown(own)}")
    ranks = [config.get("r"), *own.values()]
    if not all(type(rank) is int and 1 <= rank <= RANKS[-1] for rank in ranks):
        raise BadInput(f"{where}: r: must be a whole number from 1 to {RANKS[-1]}; saw {shown(str(config.get('r')))}")
    return max(int(rank) for rank in ranks if rank is not None)
