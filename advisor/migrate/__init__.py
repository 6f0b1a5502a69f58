"""From one running engine to the other: what is there, what becomes of it, and the way there and back."""
