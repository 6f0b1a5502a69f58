"""The speed model: what one step takes, what a load makes of steps, and the rates of a device and an engine."""
