"""What a chat model replied, whatever shape it has: LangChain's messages, chunks, or plain texts.

Knows no prompt, and not what a reply is for.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from .characters import whole_characters
from .errors import ChainError

__all__ = ["reply_chunk", "reply_text"]

SHOWN = 80  # characters of a reply in an error


def reply_text(reply: Any) -> str:
    """The text of a reply, whole characters alone; "" for what is neither a message nor a text.

    >>> reply_text(AIMessage([{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}]))
    'Yes.'
    """
    if isinstance(reply, BaseMessage):
        return whole_characters(str(reply.text))
    return whole_characters(reply) if isinstance(reply, str) else ""


def reply_chunk(piece: Any) -> AIMessageChunk:
    """A piece of a streamed reply as a chunk, so that pieces add up; what the model says of itself stays.

    >>> (reply_chunk("25 ") + reply_chunk(AIMessage("days."))).content
    '25 days.'

    Raises:
        ChainError: it is neither a message, nor a text, nor None.
    """
    if not isinstance(piece, (BaseMessage, str, NoneType)):
        shown = repr(piece)
        raise ChainError(
            f"The reply is a {type(piece).__name__}, {shown[:SHOWN]}{'…' if len(shown) > SHOWN else ''}.",
            remedy="A model, or what stands in its place, must give messages or texts.",
        )
    text = reply_text(piece)
    if isinstance(piece, AIMessageChunk) and piece.content == text:
        return piece
    usage = piece.usage_metadata if isinstance(piece, AIMessage) else None
    told = piece.response_metadata if isinstance(piece, BaseMessage) else {}
    return AIMessageChunk(content=text, usage_metadata=usage, response_metadata=told)
