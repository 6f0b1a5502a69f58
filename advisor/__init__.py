"""Ollama or vLLM, with which settings, for this hardware and these users - and the files, checked and started."""

__version__ = "0.2.0"
DISTRIBUTION = "llm-engine-advisor"  # what `pip install` knows it by
