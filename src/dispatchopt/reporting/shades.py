"""Colours for stores: few hues that also colour-blind readers tell apart, neighbours unlike."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray

#: Hues of the page's palette for stores (``--s0`` up to ``--s7`` in the style).
NUM_SHADES = 8
_NEIGHBOURS = 6


def store_shades(lon: FloatArray, lat: FloatArray) -> IntArray:
    """Return the number of each store's colour: the one that its near neighbours use least.

    Stores are taken in their order; ties go to the colour used least so far, then the lowest.
    """
    count = len(lon)
    shade = np.full(count, -1, dtype=np.int64)
    x = np.asarray(lon) * np.cos(np.radians(np.mean(lat))) if count else np.zeros(0)
    y = np.asarray(lat)
    used = np.zeros(NUM_SHADES)
    for store in range(count):
        away = (x[:store] - x[store]) ** 2 + (y[:store] - y[store]) ** 2
        near = np.argsort(away, kind="stable")[:_NEIGHBOURS]
        # The nearest neighbour's colour is the worst choice, then the next one's.
        clash = np.zeros(NUM_SHADES)
        np.add.at(clash, shade[near], 2.0 ** -np.arange(len(near)))
        shade[store] = np.lexsort((used, clash))[0]
        used[shade[store]] += 1
    return shade
