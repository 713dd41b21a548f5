"""What the world adds to expectations, drawn so that two policies meet the same day.

Each source of chance has a stream of its own, and draws belong to an order or a courier, not to
the moment at which they are asked for.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.seeds import stream

_MASK = (1 << 64) - 1


class Noise:
    """Factors on durations, and who declines what.

    Parameters
    ----------
    seed
        Seed of the day.
    num_orders, num_couriers
        Sizes of the tables.
    travel_sd, picking_sd
        Standard deviations of the factors, >= 0; 0 gives factors of exactly 1.
    decline_probability
        In [0, 1].
    """

    def __init__(
        self,
        *,
        seed: int,
        num_orders: int,
        num_couriers: int,
        travel_sd: float,
        picking_sd: float,
        decline_probability: float,
    ) -> None:
        self.picking = _factors(seed, "picking", num_orders, picking_sd)
        self.to_store = _factors(seed, "to-store", num_orders, travel_sd)
        self.to_door = _factors(seed, "to-door", num_orders, travel_sd)
        self.moves = _factors(seed, "moves", num_couriers, travel_sd)
        self._probability = decline_probability
        self._key = int(stream(seed, "simulation", "declines").integers(1 << 62))

    def is_declined(self, courier: int, order: int) -> bool:
        """Whether a courier declines a trip that begins with an order; always the same answer."""
        if self._probability <= 0.0:
            return False
        bits = _mix(_mix(self._key + courier) + order)
        return (bits >> 11) * 2.0**-53 < self._probability


def _factors(seed: int, name: str, count: int, sd: float) -> FloatArray:
    """Lognormal factors with mean 1 and standard deviation ``sd``."""
    if sd <= 0.0:
        return np.ones(count)
    spread = float(np.sqrt(np.log1p(sd**2)))
    normal = stream(seed, "simulation", name).standard_normal(count)
    factors: FloatArray = np.exp(spread * normal - spread**2 / 2)
    return factors


def _mix(value: int) -> int:
    """Scatter 64 bits (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
