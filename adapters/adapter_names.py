"""What an adapter may be called."""

from __future__ import annotations

import re

from .errors import UnsafeAdapter

__all__ = ["check_name"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


def check_name(name: str) -> str:
    """The name, if it is one. Raises `UnsafeAdapter`.

    >>> check_name("legal-v2")
    'legal-v2'
    """
    if not isinstance(name, str) or not NAME.fullmatch(name) or name.lower() == "base":
        raise UnsafeAdapter(
            f"An adapter cannot be called {name!r}.",
            remedy='Use 1 to 64 letters, digits, "-" and "_", the first no sign; "base" is taken.',
        )
    return name
