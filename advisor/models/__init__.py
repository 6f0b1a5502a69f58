"""From what a person types (a name, a tag, a folder, a GGUF file) to a `ModelSpec`."""
