"""The solution document: decisions by name, and what is known of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from dispatchopt.io.schema.base import Part


class InstanceRef(Part):
    """The instance that was solved."""

    name: str = Field(default="", description="Its name.")
    digest: str = Field(description="Digest of its problem; an edited instance has another.")


class UnservedPart(Part):
    """Something that is not served, and why."""

    what: str = Field(description="`customer`, `order`, `line`, `sku` or `store`.")
    id: str = Field(description="Its name.")
    reason: str = Field(description="Code of the reason.")
    remedy: str = Field(default="", description="What would have to change.")


class SolutionHeader(Part):
    """What every solution document holds beside its decisions."""

    format: Literal["dispatchopt-solution"] = Field(description="Always `dispatchopt-solution`.")
    version: Literal[1] = Field(description="Version of the format: 1.")
    instance: InstanceRef = Field(description="The instance that was solved.")
    status: Literal["optimal", "feasible", "infeasible", "unknown"] = Field(
        description="What is known: `optimal` only where the bound meets the objective."
    )
    stopped_by: Literal["completed", "time", "iterations", "stalled", "gap", "cancelled"] = Field(
        description="Why the run ended."
    )
    objective: float | None = Field(default=None, description="Cost, as the checker computed it.")
    parts: dict[str, float] = Field(default={}, description="Parts of the objective.")
    figures: dict[str, float | None] = Field(default={}, description="Other figures.")
    bound: float | None = Field(default=None, description="Proven lower bound; null if unknown.")
    gap: float | None = Field(
        default=None, description="Relative gap of objective and bound; null if unknown."
    )
    engine: str = Field(description="The engine that worked.")
    reason: str = Field(default="", description="Why it was chosen, and what it has to say.")
    seed: int = Field(description="Seed of the run.")
    elapsed_s: float = Field(description="Run time.", ge=0)
    iterations: int = Field(description="Steps of the engine.", ge=0)
    versions: dict[str, str] = Field(default={}, description="Versions of what did the work.")
    unserved: list[UnservedPart] = Field(
        default=[], description="Whatever is not served, and why; for readers."
    )


class AssignmentPart(Part):
    """Who serves a customer."""

    customer: str = Field(description="The customer.")
    site: str = Field(description="The site that serves it.")


class SplitPart(Part):
    """Part of a customer's demand."""

    customer: str = Field(description="The customer.")
    site: str = Field(description="A site that serves some of it.")
    units: int = Field(description="How much.", ge=0, le=2**53)


class SitingDecisions(Part):
    """Which sites are open, and who is served from where."""

    open_sites: list[str] = Field(description="Sites that are open.")
    assignment: list[AssignmentPart] = Field(
        default=[], description="Customers that one site serves wholly."
    )
    split: list[SplitPart] = Field(
        default=[], description="Customers that are served from several sites or in part."
    )


class SendPart(Part):
    """Units to be sent."""

    store: str = Field(description="To this store.")
    sku: str = Field(description="Of this SKU.")
    units: int = Field(description="How many.", ge=0, le=2**53)


class InventoryDecisions(Part):
    """What to send."""

    send: list[SendPart] = Field(
        default=[], description="Units to be sent; pairs not listed: none."
    )


class TripPart(Part):
    """One round."""

    store: str | None = Field(
        default=None, description="Where it is loaded; null if orders are picked up elsewhere."
    )
    stops: list[str] = Field(
        description="Orders in sequence; one that is picked up elsewhere stands twice."
    )


class RoutePart(Part):
    """What one courier does."""

    courier: str = Field(description="The courier, or its class.")
    start_s: int = Field(description="When it leaves.", ge=-(2**53), le=2**53)
    trips: list[TripPart] = Field(description="Its trips in sequence.")
    breaks: list[int] = Field(
        default=[],
        description="Leg on which each break of the courier is taken, from 0; -1 before the start, "
        "-2 after the end.",
    )


class PicksPart(Part):
    """What a store picks."""

    store: str = Field(description="The store.")
    orders: list[str] = Field(description="Its orders in the sequence in which they are picked.")


class RoutingDecisions(Part):
    """Routes; orders on none of them are refused."""

    routes: list[RoutePart] = Field(default=[], description="The routes.")
    picks: list[PicksPart] = Field(
        default=[], description="Sequences of stores that take time to pick; each store once."
    )


def solution_model(kind: str, decisions: type[Part]) -> type[SolutionHeader]:
    """Return the model of a kind's solution document."""
    article = "An" if kind[0] in "aeiou" else "A"
    fields: dict[str, Any] = {
        "kind": (Literal[kind], Field(description=f"Always `{kind}`.")),
        "decisions": (
            decisions | None,
            Field(default=None, description="Null if none was found."),
        ),
    }
    title = "".join(word.capitalize() for word in kind.split("-"))
    return create_model(
        f"{title}SolutionDocument",
        __base__=SolutionHeader,
        __doc__=f"{article} {kind} solution.",
        **fields,
    )
