"""Places on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, set_frozen


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Places in WGS84.

    Parameters
    ----------
    lon, lat
        Degrees, shape (n,), finite, in [-180, 180] and [-90, 90].

    Raises
    ------
    ValueError
        If the shapes differ or a value is out of range.
    """

    lon: FloatArray
    lat: FloatArray

    def __post_init__(self) -> None:
        set_frozen(self, "lon", np.float64)
        set_frozen(self, "lat", np.float64)
        if self.lon.ndim != 1 or self.lon.shape != self.lat.shape:
            raise ValueError(f"lon {self.lon.shape} and lat {self.lat.shape} must be (n,) alike")
        # Written so that nan fails as well.
        if not ((np.abs(self.lon) <= 180).all() and (np.abs(self.lat) <= 90).all()):
            raise ValueError("lon must lie in [-180, 180] and lat in [-90, 90] degrees")

    def __len__(self) -> int:
        return len(self.lon)

    @overload
    def __getitem__(self, idx: slice) -> Points: ...
    @overload
    def __getitem__(self, idx: npt.NDArray[np.generic]) -> Points: ...
    def __getitem__(self, idx: slice | npt.NDArray[np.generic]) -> Points:
        return Points(lon=self.lon[idx], lat=self.lat[idx])

    @staticmethod
    def concatenate(*parts: Points) -> Points:
        """Join points, in the order given."""
        return Points(
            lon=np.concatenate([part.lon for part in parts]),
            lat=np.concatenate([part.lat for part in parts]),
        )
