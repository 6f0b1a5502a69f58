"""A deployment folder on disk: written whole or not at all, read back."""
