"""Formulas, each spelled once: weights by tensor and format, KV cache, shards, steps and serving."""
