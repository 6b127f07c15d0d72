"""Tools and schemas bound to a chat model, and the parsers that read what comes back.

Knows LangChain's ways of giving them; that the answer fits is the engine's work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import Generation
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from .call_options import tool_choice_of

__all__ = ["Method", "Schema", "ToolLike", "parsed", "response_format", "tool_options"]

Method = Literal["json_schema", "function_calling", "json_mode"]
Schema = dict[str, Any] | type
ToolLike = dict[str, Any] | type | Callable[..., Any] | BaseTool


class CompleteJson(JsonOutputParser):
    """A JSON object, whole; LangChain's own mends one that was cut off, and the end would be made up."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Pieces on the way are mended, as LangChain streams them; the whole is not."""
        if partial:
            return super().parse_result(result, partial=True)
        text = result[0].text
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise OutputParserException(
                f"The answer is no complete JSON: {error}. A larger max_tokens may be needed.",
                llm_output=text,
            ) from error


# Pydantic's parser asks the next class in line for the JSON: the one above.
class CompletePydantic(PydanticOutputParser[BaseModel], CompleteJson):
    """The same, as an object of the class."""


def tool_options(tools: Sequence[ToolLike], choice: object, strict: bool | None) -> dict[str, Any]:
    """The keyword arguments of a call with these tools.

    Raises `AdapterError` where the choice names none of them.
    """
    converted = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
    names = [tool["function"]["name"] for tool in converted]
    if choice is True and len(names) == 1:
        choice = names[0]
    chosen = tool_choice_of(choice, converted)
    return {"tools": converted} | ({} if chosen is None else {"tool_choice": chosen})


def response_format(schema: Schema) -> dict[str, Any]:
    """A schema in the form of the OpenAI API."""
    converted = convert_to_json_schema(schema)
    name = str(converted.get("title") or "answer")
    return {"type": "json_schema", "json_schema": {"name": name, "schema": converted}}


def parsed(
    model: Runnable[LanguageModelInput, AIMessage], schema: Schema | None, *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """The model's JSON answers as dicts, or as objects of the schema where that is a pydantic class."""
    parser: BaseOutputParser[Any] = CompleteJson()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = CompletePydantic(pydantic_object=schema)
    if not include_raw:
        return model | parser
    assign: Runnable[Any, Any] = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=RunnableLambda(_nothing)
    )
    failed: Runnable[Any, Any] = RunnablePassthrough.assign(parsed=RunnableLambda(_nothing))
    return RunnableMap(raw=model) | assign.with_fallbacks([failed], exception_key="parsing_error")


def _nothing(_: Any) -> None:
    return None
