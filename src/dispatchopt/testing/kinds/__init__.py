"""Examples of kinds of problem: each file exports ``EXAMPLES`` and is found by itself."""
