"""Start what was rendered on the real engine, drive it with the planned load, compare, stop it."""
