"""What a model needs besides its weights to be loaded at all: its own code, its maker's files, its way of prompting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from advisor.catalog import constants
from advisor.engines.vllm.rows import flag
from advisor.models.purpose import purpose
from advisor.models.ranks import ranker
from advisor.models.stretch import stretch
from advisor.quoting import shell
from advisor.schema import ModelSpec, Setting
from advisor.units import count

OVERRIDES = "--hf-overrides"
REMOTE_CODE = "--trust-remote-code"
CHAT_TEMPLATE = "--chat-template"
RAW = "https://raw.githubusercontent.com/vllm-project/vllm"
_SCORES = "pooling/score/template"
EXAMPLES = "examples"  # folder of vLLM's repository; the images hold it, the wheel does not


def needs(model: ModelSpec, ref: str) -> list[Setting]:
    """The arguments without which vLLM does not start this model, or misunderstands what it writes.

    Args:
        ref: the repository or folder that is loaded.
    """
    rows = [*_remote_code(model), *(_own_files(ref) or _tokenizer(model)), *_block_size(model)]
    return [*rows, *_ranking(model)] if purpose(model) == "scores" else rows


def kv_cache_dtype(model: ModelSpec) -> str:
    """The one type of KV cache that the model's attention takes, else "auto": that of the weights."""
    forced: str = constants("serving")["kv_caches"]["by_model_type"].get(model.model_type, {}).get("dtype", "auto")
    return forced


def chat_template(model: ModelSpec) -> Setting | None:
    """The file of vLLM's examples that tells the model of its tools, where its own template does not."""
    table = constants("serving")["chat_templates"]
    name = table["by_parsers"].get(f"{model.tool_parser}/{model.reasoning_parser or 'none'}")
    if name is None:
        return None
    reason = f"tells the model of its tools in the words that the parser {model.tool_parser} reads back"
    return flag(CHAT_TEMPLATE, f"{EXAMPLES}/{name}", reason, table["source"])


def fetched(path: str, version: str) -> str:
    """The command that brings a file of vLLM's examples to where the engine is started."""
    return f"mkdir -p {shell(path.rpartition('/')[0])} && curl -fsSLo {shell(path)} {RAW}/v{version}/{path}"


def _ranking(model: ModelSpec) -> Iterator[Setting]:
    """What makes a model rank passages that was made to write, or whose prompt has words of its own around them."""
    found, source = ranker(model), constants("rerankers")["source"]
    if found is not None and found.overrides:
        words = found.overrides.get("classifier_from_token")
        reason = f"its score is the odds of the word {words[-1]!r}" if words else "the name that vLLM has for its class"
        yield flag(OVERRIDES, json.dumps(found.overrides), reason, source)
    if found is not None and found.template:
        reason = "puts question and passage into the words that the model was taught; without it the scores are wrong"
        yield flag(CHAT_TEMPLATE, f"{EXAMPLES}/{_SCORES}/{found.template}", reason, source)


def stretched(model: ModelSpec, context_tokens: int) -> list[Setting]:
    """What makes a context longer than the trained one, where the model's card says so."""
    found = stretch(model, context_tokens)
    if found is None:
        return []
    factor = found["rope_parameters"]["factor"]
    reason = (
        f"YaRN, {factor:g} times the {count(constants('stretch')['original'])} tokens of its training, as its card says"
    )
    return [flag(OVERRIDES, json.dumps(found), reason, constants("stretch")["source"])]


def _remote_code(model: ModelSpec) -> Iterator[Setting]:
    table = constants("serving")["remote_code"]
    if model.model_type in table["model_types"]:
        reason = (
            f"neither vLLM nor Transformers has a class for {model.model_type}: Python of the repository is run; "
            "read it first (CHECKLIST.md)"
        )
        yield flag(REMOTE_CODE, None, reason, table["source"])


def _tokenizer(model: ModelSpec) -> Iterator[Setting]:
    table = constants("serving")["tokenizer_modes"]
    mode = table["by_model_type"].get(model.model_type)
    if mode is not None:
        reason = f"vLLM writes the prompts of {model.model_type} itself; the repository has no chat template for it"
        yield flag("--tokenizer-mode", mode, reason, table["source"])


def _block_size(model: ModelSpec) -> Iterator[Setting]:
    table = constants("serving")["kv_caches"]
    forced = table["by_model_type"].get(model.model_type)
    if forced is not None:
        reason = f"the attention kernels of {model.model_type} take blocks of {forced['block_size']} tokens only"
        yield flag("--block-size", forced["block_size"], reason, table["source"])


def _own_files(ref: str) -> list[Setting]:
    """Flags for a repository in the form of its maker; what others publish is in the Hub's form."""
    table: Mapping[str, Any] = constants("serving")["own_files"]
    owner, _, name = ref.lower().partition("/")
    if owner != table["publisher"] or not name.startswith(tuple(table["families"])):
        return []
    reason = f"{ref} is in the maker's own form, not the Hub's"
    return [flag(name, value, reason, table["source"]) for name, value in table["flags"].items()]
