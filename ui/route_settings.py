"""`[[routes]]` of the settings file: checked when it is read, made into Routes when a chain is opened.

Opens nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import SettingsError

if TYPE_CHECKING:
    from ragweave.chains import Route

__all__ = ["RouteSettings", "made_routes", "read_routes"]


class RouteSettings(BaseModel):
    """One `[[routes]]` table; what is left out stays as it is without the route."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="What the trace calls it.")
    description: str = Field(default="", description="Which questions it is for, in a sentence.")
    examples: tuple[str, ...] = Field(default=(), description="Questions as users ask them.")
    patterns: tuple[str, ...] = Field(default=(), description="Regular expressions; one found decides.")
    kb: str | None = Field(default=None, description="Knowledge base to search instead.")
    filter: dict[str, Any] = Field(default_factory=dict, description="Only documents with these values.")
    adapter: str | None = Field(default=None, description="Adapter that words the answer.")
    direct: bool | str = Field(default=False, description="Answer without documents: true, or the answer.")
    long_context: bool = Field(default=False, description="Whole documents where they fit.")
    handoff: bool | str = Field(default=False, description="Pass on to a person: true, or what to say.")

    def route(self, retriever: Any = None) -> Route:
        """The Route, searching with this retriever; raises `ChainError` for what makes no sense."""
        from ragweave.chains import Route

        return Route(
            self.name,
            self.description,
            self.examples,
            retriever=retriever,
            filter=self.filter,
            adapter=self.adapter,
            direct=self.direct,
            long_context=self.long_context,
            handoff=self.handoff,
        )

    def shown(self) -> dict[str, Any]:
        """What the table sets, without its name."""
        return self.model_dump(exclude_defaults=True, exclude={"name"}, mode="json")


def read_routes(tables: Any, file: Path) -> tuple[RouteSettings, ...]:
    """The tables of `[[routes]]`; `SettingsError` for the first thing that is wrong with them."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(
            f"{file}: routes is no list of tables.", remedy="Begin each route with a line [[routes]]."
        )
    routes = tuple(_read(table, number, file) for number, table in enumerate(tables, start=1))
    for route in routes:
        if sum(other.name == route.name for other in routes) > 1:
            raise SettingsError(f"{file}: two routes are called {route.name!r}.", remedy="Rename one.")
    return routes


def _read(table: Mapping[str, Any], number: int, file: Path) -> RouteSettings:
    which = f"{file}: route {table.get('name', number)!r}"
    for key in table:
        if key not in RouteSettings.model_fields:
            close = get_close_matches(key, list(RouteSettings.model_fields), n=1, cutoff=0.0)
            raise SettingsError(
                f"{which} has the unknown key {key!r}.",
                remedy=f"Did you mean {close[0]!r}? There are: {', '.join(RouteSettings.model_fields)}.",
            )
    try:
        route = RouteSettings.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0])
        raise SettingsError(
            f"{which}: {key} cannot be {first['input']!r}: {first['msg'].lower().replace('tuple', 'list')}.",
            remedy=RouteSettings.model_fields[key].description or "",
        ) from error
    _check(route, which)
    return route


def _check(route: RouteSettings, which: str) -> None:
    from ragweave.chains import ChainError, RuleRouter

    try:
        RuleRouter({route.name: route.patterns}, [route.route()])
    except ChainError as error:
        raise SettingsError(f"{which}: {error.message}", remedy=error.remedy) from error
    if route.kb is not None and (route.direct or route.handoff):
        raise SettingsError(
            f"{which} names a kb and needs none: its answer is not searched for.",
            remedy="Delete kb, or direct and handoff.",
        )
    if not (route.examples or route.patterns or route.description.strip()):
        raise SettingsError(
            f"{which} cannot be found: it has no examples, description or patterns.",
            remedy="Give it a few examples of questions.",
        )


def made_routes(routes: Sequence[RouteSettings], retrievers: Mapping[str, Any]) -> list[Any]:
    """What `rag_chain(route=...)` takes: the patterns, and the Routes; a retriever for each `kb` named."""
    from ragweave.chains import RuleRouter

    rules = {one.name: one.patterns for one in routes if one.patterns}
    made = [one.route(retrievers[one.kb] if one.kb else None) for one in routes]
    return [*([RuleRouter(rules)] if rules else []), *made]
