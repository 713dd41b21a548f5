from __future__ import annotations

import pytest

from dispatchopt.generators import generate_city
from dispatchopt.pipeline.city import City


@pytest.fixture(scope="session")
def small_city() -> City:
    return generate_city(size="small", seed=1)


@pytest.fixture(scope="session")
def medium_city() -> City:
    return generate_city(size="medium", seed=2)
