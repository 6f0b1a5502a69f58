"""What was measured on this machine, and the correction that is made of it."""
