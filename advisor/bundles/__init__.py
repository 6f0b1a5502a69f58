"""Bundles of facts on their way: fetched, taken apart, checked, put in place."""
