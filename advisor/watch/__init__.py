"""A running engine observed: what it tells while it serves, what that means, and where it leads."""
