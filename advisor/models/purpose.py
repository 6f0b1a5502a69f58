"""What a model is for: text, vectors, or scores of a passage against a question."""

from __future__ import annotations

from typing import Literal

from advisor.schema import ModelSpec

Purpose = Literal["text", "vectors", "scores"]

# How architectures are called that end in a pooled state or a classifier instead of a language head.
_POOLED = ("BertModel", "RobertaModel", "TextModel", "ForMaskedLM")
_SCORED = ("ForSequenceClassification", "ForTokenClassification", "RewardModel")
_FAMILIES = ("bge-", "e5-", "gte-", "multilingual-e5-")  # some of them are fine-tunes of a language model
_RANKING_OWNER = "cross-encoder"  # of Sentence Transformers
_ENCODERS = ("bert", "embedding")  # in GGUF: bert, nomic-bert, modern-bert, jina-bert-v2, gemma-embedding


def purpose(model: ModelSpec) -> Purpose:
    """By the catalogue's tag, else by architecture, else by the name that such models carry."""
    name, architecture = model.hf_id.rpartition("/")[2].lower(), model.architecture
    if architecture.endswith(_SCORED) or "rerank" in name:
        return "scores"
    encoder = model.origin == "gguf" and any(word in architecture for word in _ENCODERS)
    if "embedding" in model.tags or architecture.endswith(_POOLED) or encoder:
        return "vectors"
    if "embed" in name or name.startswith(_FAMILIES):
        return "vectors"
    return "text"


def ranks(model: ModelSpec) -> bool:
    """Whether its scores are of passages against a question: others classify texts, or rate answers."""
    owner, _, name = model.hf_id.lower().rpartition("/")
    return "rerank" in model.tags or "rerank" in name or owner == _RANKING_OWNER
