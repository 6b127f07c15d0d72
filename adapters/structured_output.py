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
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import Generation
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from .call_options import tool_choice_of

__all__ = ["Method", "Schema", "ToolLike", "structured", "tool_options"]

ANY_OBJECT: dict[str, Any] = {"title": "answer", "type": "object", "properties": {}}

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


def structured(
    model: Any, schema: Schema | None, *, method: Method = "json_schema", include_raw: bool = False
) -> Runnable[LanguageModelInput, Any]:
    """What `with_structured_output` gives, over a chat model or a binding of one.

    Raises `TypeError` for an unknown method, or where a schema is needed and there is none.
    """
    if method not in ("json_schema", "function_calling", "json_mode"):
        raise TypeError(f"method={method!r}: expected json_schema, function_calling or json_mode.")
    if schema is None:
        if method != "json_mode":
            raise TypeError(f"with_structured_output(method={method!r}) needs a schema.")
        schema = ANY_OBJECT
    trace = {"kwargs": {"method": method}, "schema": schema}
    if method == "function_calling":
        bound = model.bind_tools([schema], tool_choice="any", ls_structured_output_format=trace)
        return _parsed(bound, _tool_parser(schema), include_raw=include_raw)
    form = {"type": "json_object"} if method == "json_mode" else _response_format(schema)
    bound = model.bind(response_format=form, ls_structured_output_format=trace)
    return _parsed(bound, _json_parser(schema), include_raw=include_raw)


def _response_format(schema: Schema) -> dict[str, Any]:
    """A schema in the form of the OpenAI API."""
    converted = convert_to_json_schema(schema)
    name = str(converted.get("title") or "answer")
    return {"type": "json_schema", "json_schema": {"name": name, "schema": converted}}


def _json_parser(schema: Schema) -> BaseOutputParser[Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return CompletePydantic(pydantic_object=schema)
    return CompleteJson()


def _tool_parser(schema: Schema) -> BaseOutputParser[Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticToolsParser(tools=[schema], first_tool_only=True)
    name = convert_to_openai_tool(schema)["function"]["name"]
    return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def _parsed(
    model: Runnable[LanguageModelInput, AIMessage], parser: BaseOutputParser[Any], *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """Answers as the parser reads them, and beside them the messages themselves where asked for."""
    if not include_raw:
        return model | parser
    assign: Runnable[Any, Any] = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=RunnableLambda(_nothing)
    )
    failed: Runnable[Any, Any] = RunnablePassthrough.assign(parsed=RunnableLambda(_nothing))
    return RunnableMap(raw=model) | assign.with_fallbacks([failed], exception_key="parsing_error")


def _nothing(_: Any) -> None:
    return None
