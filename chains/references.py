"""All pointing words of a question, in the order in which they are replaced. English; knows no model."""

from __future__ import annotations

from collections.abc import Callable

from .pointing import definite, one, ordinal, then, there, this
from .pronouns import Found, it, person, they
from .talk import Talk

__all__ = ["RESOLVERS", "Resolver"]

Resolver = Callable[[str, Talk], Found | None]

RESOLVERS: tuple[Resolver, ...] = (ordinal, person, they, it, then, this, one, there, definite)
