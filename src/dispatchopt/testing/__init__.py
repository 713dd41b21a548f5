"""For authors of engines: the checks that every engine must pass."""

from dispatchopt.testing.conformance import CHECKS, EngineCases

__all__ = ["CHECKS", "EngineCases"]
