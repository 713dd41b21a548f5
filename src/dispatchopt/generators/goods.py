"""What stores sell: SKUs with an ABC profile of demand, a fixed share of them fresh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.generators.hours import ERRAND_EXTRA_ITEMS, ERRAND_SHARES
from dispatchopt.generators.people import numbered
from dispatchopt.pipeline.city import Skus

#: The fifth of all SKUs that sells best makes up four fifths of the units: the log of demand is
#: normal with this standard deviation, twice the 80 % quantile of the standard normal.
ABC_SIGMA = 2 * 0.8416212335729143
#: Class A is the SKUs that make up so much of the turnover, A and B together so much.
ABC_LIMITS = (0.8, 0.95)
#: Chance that a day has a live stream, and SKUs that it shows.
STREAM_CHANCE, STREAM_SKUS = 0.25, 4
#: Mean units of each product that a live-stream order holds: 1, 2 or 3 of one of them.
STREAM_UNITS = 2.0
#: Share of SKUs that the city warehouse is short of.
_SCARCE_SHARE = 0.1
_CASE_PACKS = np.array([1, 2, 4, 6, 8, 12, 24])
#: Standard deviation of a day's demand beyond chance, relative to its mean: dry and fresh goods.
_DAY_SPREAD = (0.15, 0.25)
#: Cost of capital and room per day, as a share of the purchase price and per litre (cents).
_CAPITAL_PER_DAY, _ROOM_CENTS_PER_L = 0.0005, 0.4


@dataclass(frozen=True, kw_only=True)
class Category:
    """A kind of goods.

    Parameters
    ----------
    name, words
        Its name, and names of products.
    is_fresh
        Whether its goods expire.
    share
        Share of SKUs among fresh or among dry goods, up to a factor.
    price_cents, volume_ml, shelf_days
        Ranges that values are drawn from; prices and volumes evenly on a log scale.
    margin
        Margin as a share of the price.
    extra_units
        Mean units of an item beyond the first.
    pull
        How much each errand wants of it, relative to its share of all demand.
    """

    name: str
    words: tuple[str, ...]
    is_fresh: bool
    share: float
    price_cents: tuple[float, float]
    volume_ml: tuple[float, float]
    shelf_days: tuple[int, int]
    margin: float
    extra_units: float
    pull: tuple[float, float, float, float]


#: Fresh goods first. Prices and sizes are made up, of the order of those in a convenience shop.
CATEGORIES = (
    Category(
        name="vegetables",
        words=("Spinach", "Tomatoes", "Cucumber", "Pak choi", "Potatoes", "Onions", "Carrots",
               "Mushrooms", "Peppers", "Lettuce", "Broccoli", "Spring onions"),
        is_fresh=True, share=0.26, price_cents=(120, 500), volume_ml=(500, 2500),
        shelf_days=(2, 6), margin=0.30, extra_units=0.15, pull=(0.2, 2.2, 0.2, 0.2),
    ),
    Category(
        name="fruit",
        words=("Bananas", "Apples", "Oranges", "Grapes", "Strawberries", "Mango", "Pears",
               "Blueberries", "Lemons", "Melon"),
        is_fresh=True, share=0.20, price_cents=(200, 1500), volume_ml=(500, 3000),
        shelf_days=(2, 8), margin=0.32, extra_units=0.15, pull=(1.0, 0.8, 1.6, 0.3),
    ),
    Category(
        name="meat and fish",
        words=("Chicken breast", "Minced pork", "Beef strips", "Salmon", "Shrimps", "Pork ribs",
               "Chicken wings", "Sea bass"),
        is_fresh=True, share=0.16, price_cents=(600, 3500), volume_ml=(400, 1200),
        shelf_days=(1, 4), margin=0.25, extra_units=0.1, pull=(0.1, 2.3, 0.1, 0.1),
    ),
    Category(
        name="dairy and eggs",
        words=("Milk", "Yoghurt", "Eggs", "Butter", "Cheese", "Soy milk", "Tofu", "Cream"),
        is_fresh=True, share=0.18, price_cents=(250, 1500), volume_ml=(250, 1600),
        shelf_days=(5, 14), margin=0.28, extra_units=0.3, pull=(2.6, 1.0, 0.6, 0.4),
    ),
    Category(
        name="bakery",
        words=("Toast", "Rolls", "Croissants", "Steamed buns", "Baguette", "Cake", "Bagels"),
        is_fresh=True, share=0.10, price_cents=(200, 1200), volume_ml=(500, 2000),
        shelf_days=(1, 3), margin=0.45, extra_units=0.2, pull=(4.0, 0.4, 0.8, 0.2),
    ),
    Category(
        name="ready meals",
        words=("Sushi", "Salad bowl", "Rice box", "Sandwich", "Dumplings", "Soup", "Pasta box"),
        is_fresh=True, share=0.10, price_cents=(900, 2500), volume_ml=(500, 1200),
        shelf_days=(1, 3), margin=0.40, extra_units=0.2, pull=(0.6, 0.6, 1.9, 0.1),
    ),
    Category(
        name="drinks",
        words=("Water", "Cola", "Green tea", "Orange juice", "Beer", "Sparkling water",
               "Iced coffee", "Energy drink", "Lemonade"),
        is_fresh=False, share=0.20, price_cents=(150, 1800), volume_ml=(330, 3000),
        shelf_days=(0, 0), margin=0.30, extra_units=0.9, pull=(0.6, 0.5, 1.9, 0.5),
    ),
    Category(
        name="snacks",
        words=("Crisps", "Biscuits", "Chocolate", "Nuts", "Rice crackers", "Sweets",
               "Ice cream", "Seaweed", "Popcorn"),
        is_fresh=False, share=0.24, price_cents=(200, 1500), volume_ml=(200, 1500),
        shelf_days=(0, 0), margin=0.35, extra_units=0.4, pull=(0.3, 0.4, 2.2, 0.4),
    ),
    Category(
        name="staples",
        words=("Rice", "Noodles", "Flour", "Cooking oil", "Soy sauce", "Sugar", "Salt", "Vinegar",
               "Canned beans", "Chilli sauce", "Instant noodles"),
        is_fresh=False, share=0.24, price_cents=(200, 3000), volume_ml=(300, 5000),
        shelf_days=(0, 0), margin=0.22, extra_units=0.2, pull=(0.4, 1.8, 0.5, 0.6),
    ),
    Category(
        name="household",
        words=("Washing powder", "Toilet paper", "Dish soap", "Bin bags", "Batteries", "Sponges",
               "Kitchen towels", "Light bulb", "Cling film"),
        is_fresh=False, share=0.17, price_cents=(300, 3500), volume_ml=(300, 9000),
        shelf_days=(0, 0), margin=0.33, extra_units=0.15, pull=(0.2, 0.4, 0.3, 4.5),
    ),
    Category(
        name="personal care",
        words=("Shampoo", "Toothpaste", "Soap", "Tissues", "Razor", "Hand cream", "Plasters",
               "Nappies", "Face masks"),
        is_fresh=False, share=0.15, price_cents=(300, 5000), volume_ml=(100, 6000),
        shelf_days=(0, 0), margin=0.38, extra_units=0.1, pull=(0.2, 0.2, 0.4, 5.0),
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Goods:
    """SKUs with what baskets are drawn from.

    Parameters
    ----------
    skus
        The table.
    category
        Index into ``CATEGORIES``, shape (K,).
    item_share
        Chance that an item of an order of each errand is each SKU, shape (errands, K).
    stream_skus
        Indices of what a live stream shows.
    """

    skus: Skus
    category: IntArray
    item_share: FloatArray
    stream_skus: IntArray


def generate_goods(
    *, num_skus: int, fresh_share: float, num_orders: int, num_stream_orders: int, seed: int
) -> Goods:
    """Return goods whose demand fits a stream of orders.

    Parameters
    ----------
    num_skus
        K >= 0.
    fresh_share
        Share of SKUs that are fresh; their number is rounded to a whole one.
    num_orders, num_stream_orders
        Orders of a plain day, and orders that a live stream adds on a day that has one.
    seed
        A whole number >= 0.
    """
    category = _categories(num_skus, fresh_share)
    extra = _column(category, "extra_units")
    unit_share = _unit_shares(num_skus, stream(seed, "goods", "popularity"))
    item_share = unit_share / (1 + extra)
    item_share /= max(float(item_share.sum()), 1e-300)
    items = num_orders * float(ERRAND_SHARES @ (1 + ERRAND_EXTRA_ITEMS))
    shown = _stream_skus(category, unit_share, stream(seed, "goods", "live-stream"))
    mean, variance = _demand(items * item_share, extra, category)
    mean, variance = _with_stream(mean, variance, shown, num_stream_orders)
    return Goods(
        skus=_table(category, mean, variance, seed),
        category=category,
        item_share=_by_errand(item_share, category),
        stream_skus=shown,
    )


def _column(category: IntArray, name: str) -> FloatArray:
    values = np.array([getattr(each, name) for each in CATEGORIES], dtype=np.float64)
    column: FloatArray = values[category]
    return column


def _categories(num_skus: int, fresh_share: float) -> IntArray:
    """Return the category of each SKU; fresh ones are round(share x K), exactly."""
    num_fresh = round(fresh_share * num_skus)
    parts = []
    for is_fresh, count in ((True, num_fresh), (False, num_skus - num_fresh)):
        members = [i for i, each in enumerate(CATEGORIES) if each.is_fresh == is_fresh]
        shares = np.array([CATEGORIES[i].share for i in members])
        bounds = np.round(count * np.cumsum(shares) / shares.sum()).astype(np.int64)
        parts.append(np.repeat(members, np.diff(bounds, prepend=0)))
    return np.concatenate(parts).astype(np.int64)


def _unit_shares(num_skus: int, random: np.random.Generator) -> FloatArray:
    """Return each SKU's share of all units: quantiles of a lognormal law in random order."""
    from scipy.special import ndtri

    rank = (np.arange(num_skus) + 0.5) / max(num_skus, 1)
    weight = np.exp(ABC_SIGMA * ndtri(rank))
    shares: FloatArray = random.permutation(weight / max(float(weight.sum()), 1e-300))
    return shares


def _stream_skus(
    category: IntArray, unit_share: FloatArray, random: np.random.Generator
) -> IntArray:
    """Return dry goods of middling demand; any goods where there are too few."""
    is_dry = ~_column(category, "is_fresh").astype(bool)
    order = random.permutation(len(category))
    is_middling = (unit_share > np.quantile(unit_share, 0.4)) if len(category) else is_dry
    rank = 2 * is_dry[order].astype(int) + is_middling[order]
    chosen: IntArray = np.sort(order[np.argsort(-rank, kind="stable")][:STREAM_SKUS])
    return chosen


def _demand(
    items: FloatArray, extra: FloatArray, category: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of a plain day's units.

    Items arrive as a Poisson stream of rate L, with 1 + Poisson(a) units each, so the mean is
    L (1 + a) and the variance L ((1 + a)^2 + a); days differ beyond that by a given spread.
    """
    mean = items * (1 + extra)
    spread = np.array(_DAY_SPREAD)[_column(category, "is_fresh").astype(np.int64)]
    return mean, items * ((1 + extra) ** 2 + extra) + (spread * mean) ** 2


def _with_stream(
    mean: FloatArray, variance: FloatArray, shown: IntArray, num_stream_orders: int
) -> tuple[FloatArray, FloatArray]:
    """Add what a live stream sells, on the share of days that have one."""
    mean, variance = mean.copy(), variance.copy()
    if len(shown):
        sold = STREAM_UNITS * num_stream_orders / len(shown)
        mean[shown] += STREAM_CHANCE * sold
        variance[shown] += STREAM_CHANCE * (1 - STREAM_CHANCE) * sold**2
    return np.round(mean, 3), np.round(variance, 3)


def _by_errand(item_share: FloatArray, category: IntArray) -> FloatArray:
    """Tilt what each errand buys by category and keep every SKU's share of all items.

    Iterative proportional fitting of the table of errands by categories: rows to the items that
    each errand buys, columns to the items that each category sells.
    """
    rows = ERRAND_SHARES * (1 + ERRAND_EXTRA_ITEMS)
    rows = rows / rows.sum()
    columns = np.bincount(category, weights=item_share, minlength=len(CATEGORIES))
    table = np.array([each.pull for each in CATEGORIES]).T * columns
    for _ in range(200):
        table *= (rows / np.maximum(table.sum(axis=1), 1e-300))[:, None]
        table *= columns / np.maximum(table.sum(axis=0), 1e-300)
    tilt = table / np.maximum(rows[:, None] * columns, 1e-300)
    shares: FloatArray = item_share * tilt[:, category]
    if len(item_share):
        shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _table(category: IntArray, mean: FloatArray, variance: FloatArray, seed: int) -> Skus:
    random = stream(seed, "goods", "sizes")
    price = _log_even(category, "price_cents", random, 10)
    volume = _log_even(category, "volume_ml", random, 50)
    days = np.array([each.shelf_days for each in CATEGORIES])[category]
    life = random.integers(days[:, 0], days[:, 1] + 1)
    is_fresh = _column(category, "is_fresh").astype(bool)
    share = np.clip(_column(category, "margin") * random.uniform(0.8, 1.2, len(price)), 0.05, 0.8)
    margin = np.maximum(np.round(price * share), 1).astype(np.int64)
    cost = price - margin
    # A fresh unit left over is wasted with a chance that falls with its life.
    waste = np.where(is_fresh, cost * 0.8 / np.maximum(life, 1), 0.0)
    holding = cost * _CAPITAL_PER_DAY + volume / 1000 * _ROOM_CENTS_PER_L + waste
    return Skus(
        ids=numbered("K", len(category)),
        names=_names(category),
        abc_class=_abc(mean * price),
        is_fresh=is_fresh,
        shelf_life_days=life,
        volume_ml=volume,
        price_cents=price,
        margin_cents=margin,
        holding_cents=np.maximum(holding.astype(np.float64), 0.01).round(2),
        case_pack_units=_case_packs(mean, is_fresh, stream(seed, "goods", "packs")),
        demand_mean_units=mean,
        demand_variance_units=variance,
        available_units=_available(mean, stream(seed, "goods", "stock")),
    )


def _log_even(category: IntArray, name: str, random: np.random.Generator, step: int) -> IntArray:
    low, high = np.array([getattr(each, name) for each in CATEGORIES])[category].T
    drawn = low * (high / low) ** random.random(len(category))
    values: IntArray = (step * np.maximum(np.round(drawn / step), 1)).astype(np.int64)
    return values


def _names(category: IntArray) -> tuple[str, ...]:
    seen: dict[int, int] = {}
    names = []
    for kind in category.tolist():
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        words = CATEGORIES[kind].words
        again, word = divmod(number, len(words))
        names.append(words[word] if again == 0 else f"{words[word]} {again + 1}")
    return tuple(names)


def _abc(turnover: FloatArray) -> tuple[str, ...]:
    """Return classes by the share of turnover that better-selling SKUs make up before each."""
    order = np.argsort(-turnover, kind="stable")
    total = max(float(turnover.sum()), 1e-300)
    before = (np.cumsum(turnover[order]) - turnover[order]) / total
    classes = np.empty(len(turnover), dtype="<U1")
    classes[order] = np.array(["A", "B", "C"])[np.searchsorted(ABC_LIMITS, before, side="right")]
    return tuple(classes.tolist())


def _case_packs(mean: FloatArray, is_fresh: BoolArray, random: np.random.Generator) -> IntArray:
    """Return packs that a store sells in a day or so; fresh goods come in small ones."""
    wanted = np.maximum(mean / 20 * random.uniform(0.5, 2.0, len(mean)), 1)
    wanted = np.where(is_fresh, np.minimum(wanted, 8), wanted)
    packs: IntArray = _CASE_PACKS[np.searchsorted(_CASE_PACKS, wanted, side="right") - 1]
    return packs


def _available(mean: FloatArray, random: np.random.Generator) -> IntArray:
    """Return -1, or for scarce SKUs a stock of half a day's to a whole day's demand."""
    is_scarce = random.random(len(mean)) < _SCARCE_SHARE
    stock = np.ceil(mean * random.uniform(0.5, 1.1, len(mean))).astype(np.int64)
    available: IntArray = np.where(is_scarce, stock, -1)
    return available
