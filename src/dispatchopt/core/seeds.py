"""Random streams: every draw comes from a seed that the caller can repeat."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of a named stream, independent of all other names.

    Parameters
    ----------
    seed
        A whole number >= 0.
    names
        Path of the stream, such as ``"demand", "baskets"``. Adding one leaves the others alone.
    """
    keys = [zlib.crc32(name.encode()) for name in names]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(keys)))
