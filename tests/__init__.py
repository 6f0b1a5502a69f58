"""The tests, and the machines, stories and programs that they share: `from tests.engines.engine_cases import ...`."""
