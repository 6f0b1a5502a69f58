"""The answer for people and for programs."""
