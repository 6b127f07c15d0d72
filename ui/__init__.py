"""The edge: command line, settings, wiring and web chat; the only part that reads files and environment.

A program that embeds Ragweave needs `ragweave.chains` only. Nothing is exported here: the commands are the
public surface of this part (`docs/command-line.md`).
"""

__all__: list[str] = []
