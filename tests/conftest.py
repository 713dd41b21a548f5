"""How property tests run: few and repeatable examples by default, many by schedule."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A slow machine is no failure, so examples have no deadline. Repeatable examples keep a change that
# has nothing to do with a rare find from failing; the nightly profile goes looking for such finds.
settings.register_profile(
    "default",
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly", parent=settings.get_profile("default"), derandomize=False, max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
