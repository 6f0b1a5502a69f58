"""The memory model: tensors of a model, their stored bytes, KV cache, and how they lie on cards."""
