"""Types, shapes and ranges of the fields of an inventory problem."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Largest demand, stock or facing of one SKU in one store, in units.
MAX_UNITS = 10**9
#: Largest central stock of one SKU in units, and largest volume of a store or vehicle in ml.
MAX_TOTAL = 10**15
#: Largest cost per unit.
MAX_COST = 1e12
#: Longest interval and shelf life.
MAX_DAYS = 10_000

#: Field: its type, its shape, and its range.
FIELDS: dict[str, tuple[type[np.generic], str, tuple[float, float]]] = {
    "mean_units": (np.float64, "SK", (0, MAX_UNITS)),
    "variance_units": (np.float64, "SK", (0, float(MAX_UNITS) ** 2)),
    "sample_units": (np.float64, "NSK", (0, MAX_UNITS)),
    "holding_cost": (np.float64, "K or SK", (0, MAX_COST)),
    "shortage_cost": (np.float64, "K or SK", (0, MAX_COST)),
    "waste_cost": (np.float64, "K or SK", (0, MAX_COST)),
    "shelf_life_days": (np.int64, "K", (0, MAX_DAYS)),
    "on_hand_units": (np.int64, "SK", (0, MAX_UNITS)),
    "volume_ml": (np.int64, "K", (0, MAX_UNITS)),
    "case_pack_units": (np.int64, "K", (1, MAX_UNITS)),
    "store_volume_ml": (np.int64, "S", (0, MAX_TOTAL)),
    "delivery_volume_ml": (np.int64, "S", (0, MAX_TOTAL)),
    "available_units": (np.int64, "K", (0, MAX_TOTAL)),
    "min_units": (np.int64, "SK", (0, MAX_UNITS)),
    "target": (np.float64, "any", (-np.inf, np.inf)),
    "interval_days": (np.int64, "one", (1, MAX_DAYS)),
}
OPTIONAL = (
    "sample_units",
    "waste_cost",
    "shelf_life_days",
    "store_volume_ml",
    "delivery_volume_ml",
    "available_units",
    "min_units",
    "target",
)


def sizes_of(num_stores: int, num_skus: int, samples: Any) -> dict[str, tuple[object, ...]]:
    """Return the shapes that each code of a shape stands for."""
    shape = np.shape(samples) if samples is not None else ()
    count = max(1, shape[0]) if shape else 1
    return {
        "SK": ((num_stores, num_skus),),
        "NSK": ((count, num_stores, num_skus),),
        "S": ((num_stores,),),
        "K": ((num_skus,),),
        "K or SK": ((num_skus,), (num_stores, num_skus)),
        "any": ((), (num_skus,), (num_stores, num_skus)),
        "one": ((),),
    }
