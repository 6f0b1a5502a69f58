"""Two minutes on the engine that is here: what this machine's own constants are fitted to."""
