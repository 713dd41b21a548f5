"""Orders one by one, as they come in: what a service would have decided without the later ones."""

from __future__ import annotations

from dataclasses import dataclass

from dispatchopt.core import Run
from dispatchopt.inventory.sourcing.online import source_in_turn
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution


@dataclass(frozen=True, kw_only=True)
class OnlineEngine:
    """The online rule over a whole document, in the order of its orders, at its prices of stock.

    Each order is decided without those after it, so the gap to the bound shows what not knowing
    them costs. Orders that the time does not reach stay unserved.

    Parameters
    ----------
    max_stores
        Stores tried for one order: the cheapest that hold any of it.
    """

    max_stores: int = 6
    name: str = "online"
    packages: tuple[str, ...] = ("numpy",)

    def unsupported(self, problem: SourcingProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: SourcingProblem, run: Run[SourcingSolution]) -> None:
        """Source in turn."""
        run.offer(
            source_in_turn(
                problem,
                problem.stock_price,
                max_stores=self.max_stores,
                should_stop=run.should_stop,
            )
        )
        run.step()


ENGINE = OnlineEngine()
