"""Demand of a day, the same whatever the policy does."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory import empirical
from dispatchopt.inventory.problem import DemandLaw
from dispatchopt.inventory.replay.problem import ReplayProblem

#: Pairs drawn from one stream: enough for few calls, few enough for the cache of a core.
_CHUNK_PAIRS = 1 << 16
#: Largest rate of a Poisson draw.
_MAX_RATE = 1e18


def stream(seed: int, replication: int, day: int, part: int) -> np.random.Generator:
    """Return the random stream of a part of a day: it depends on nothing else."""
    entropy = np.random.SeedSequence([seed, replication, day, part])
    return np.random.Generator(np.random.SFC64(entropy))


class Draws:
    """Sampling of demand, prepared once for all days."""

    def __init__(self, problem: ReplayProblem) -> None:
        demand, num_skus = problem.demand, max(1, problem.num_skus)
        rows = max(1, _CHUNK_PAIRS // num_skus)
        self.chunks = [
            slice(first, min(problem.num_stores, first + rows))
            for first in range(0, max(1, problem.num_stores), rows)
        ]
        self.samples = demand.sample_units
        self.law, self.mean = demand.law, demand.mean_units
        variance = demand.true_variance
        self.spread = np.sqrt(variance)
        is_mixed = (self.mean > 0) & (variance > 0)
        if self.law is DemandLaw.GAMMA:
            over = variance
        else:
            over = variance - self.mean
            is_mixed &= ~demand.is_counted_as_poisson
        self.is_mixed = is_mixed
        self.is_all_mixed = bool(is_mixed.all())
        if self.law in (DemandLaw.GAMMA, DemandLaw.NEGATIVE_BINOMIAL):
            mean, over = np.where(is_mixed, self.mean, 1.0), np.where(is_mixed, over, 1.0)
            self.shape = np.maximum(mean**2 / over, 1e-300)
            self.scale = over / mean

    def demand(self, key: tuple[int, int], day: int, stores: slice) -> FloatArray:
        """Draw the demand of some stores, (rows, K), >= 0."""
        rng = stream(*key, day, stores.start)
        mean = self.mean[stores]
        if self.samples is not None:
            drawn: FloatArray = empirical.draw(self.samples[:, stores], rng, 1)[0]
            return drawn
        if self.law is DemandLaw.NORMAL:
            return np.maximum(mean + self.spread[stores] * rng.standard_normal(mean.shape), 0.0)
        if self.law is DemandLaw.POISSON:
            return rng.poisson(mean).astype(np.float64)
        # A negative binomial is a Poisson whose rate is gamma with the excess variance.
        rate = rng.standard_gamma(self.shape[stores])
        rate *= self.scale[stores]
        if not self.is_all_mixed:
            rate = np.where(self.is_mixed[stores], rate, mean)
        if self.law is DemandLaw.GAMMA:
            return rate
        return rng.poisson(np.minimum(rate, _MAX_RATE, out=rate)).astype(np.float64)
