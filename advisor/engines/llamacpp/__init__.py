"""llama.cpp's kernels, which Ollama and a llama-server share: no engine of its own that a plan could choose."""
