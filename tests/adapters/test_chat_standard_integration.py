"""LangChain's own tests of a chat model, on a real engine and a base model of one layer.

The base is overfitted in the session on the prompts that these tests ask, tools included: that
`magic_function` is called with 3 is learned by heart, that calls and schemas are valid is constrained
decoding, and that they arrive as LangChain wants them is what is tested.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import BaseTool, tool
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.integration_tests.chat_models import (
    magic_function,
    magic_function_no_args,
    unicode_customer,
)

from ragweave.adapters.chat import ChatLora

from .models import make_adapter
from .overfitted import Lesson, call, overfitted_base

JOKE = '{"setup": "Why did the cat sit?", "punchline": "To rest."}'
SETUP = '{"setup": "Why did the cat sit?"}'
GROUP = "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company"
COMPANY = "Create a customer named 'こんにちは株式会社' (Hello Corporation) - a Japanese company"
WEATHER = "What is the weather in San Francisco, CA?"


def weather_tool(description: str) -> BaseTool:
    """The suite has two, which differ in their description."""

    def get_weather(location: str) -> str:
        return "It's sunny."

    return tool(get_weather, description=description) if description else tool(get_weather)


def greeting_tool() -> BaseTool:
    """A chain as a tool."""
    prompt = ChatPromptTemplate.from_messages(
        [("human", "Hello. Please respond in the style of {answer_style}.")]
    )
    chain = prompt | GenericFakeChatModel(messages=iter(["hello matey"])) | StrOutputParser()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return chain.as_tool(
            name="greeting_generator",
            description="Generate a greeting in a particular style of speaking.",
        )


def lessons() -> list[Lesson]:
    """What the suite asks, and a right answer."""
    in_loop = make_tool("get_weather", "Get the weather at a location.")
    in_choice = make_tool("get_weather", "Get weather at a location.")
    asked = HumanMessage(WEATHER)
    made = {"name": "get_weather", "args": {"location": "San Francisco"}, "id": "1", "type": "tool_call"}
    turn = AIMessage("", tool_calls=[made])
    told = ToolMessage("It's sunny.", name="get_weather", tool_call_id="1")
    return [
        *(Lesson(text, "Hello! How are you?") for text in ("Hello", "Hey", "hello", "how are you", "hi")),
        Lesson("Write me 2 haikus. Only include the haikus.", "A cat sits.\n\nIt rests."),
        Lesson("Write a story about a cat.", "A cat sat."),
        *(Lesson(text, JOKE) for text in ("Tell me a joke about cats.",)),
        Lesson("Give me a joke about cats, include the punchline.", JOKE),
        Lesson("Give me the setup to a joke about cats, no punchline.", SETUP),
        Lesson(
            "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
            "Return nothing other than JSON.",
            JOKE,
        ),
        Lesson(
            "What is the value of magic_function(3)? Use the tool.",
            call("magic_function", input=3),
            (magic_function,),
        ),
        Lesson(
            "What is the value of magic_function_no_args()? Use the tool.",
            call("magic_function_no_args"),
            (magic_function_no_args,),
        ),
        Lesson(
            "Using the tool, generate a Pirate greeting.",
            call("greeting_generator", answer_style="Pirate"),
            (greeting_tool(),),
        ),
        Lesson("Hello!", call("magic_function", input=1), (magic_function, in_choice)),
        Lesson(WEATHER, call("get_weather", location="San Francisco"), (in_loop,)),
        Lesson([asked, turn, told], "It is sunny.", (in_loop,)),
        Lesson(GROUP, call("unicode_customer", customer_name="你好", description="A"), (unicode_customer,)),
        Lesson(COMPANY, call("unicode_customer", customer_name="こん", description="A"), (unicode_customer,)),
    ]


def make_tool(name: str, description: str) -> dict[str, Any]:
    """A tool that takes a location, as the suite's functions become."""
    location = {"type": "string"}
    parameters = {"properties": {"location": location}, "required": ["location"], "type": "object"}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatLora]:
    """One engine for the whole suite: its models are many, its base model loads once."""
    folder = tmp_path_factory.mktemp("taught")
    base = overfitted_base(folder / "base", lessons())
    make_adapter(base, folder / "support", rank=4, scale=0.01, seed=1)
    with ChatLora(base, {"support": folder / "support"}) as model:
        yield model


class TestChatLoraStandard(ChatModelIntegrationTests):
    """The suite of langchain-tests."""

    taught: ChatLora

    @pytest.fixture(autouse=True)
    def _taught(self, taught: ChatLora) -> None:
        type(self).taught = taught

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        """What is tested."""
        return ChatLora

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """The base and its adapter, on the one engine."""
        taught = self.taught
        return {
            "base": taught.base,
            "adapters": taught.adapters,
            "engine": taught.engine,
            "max_tokens": 120,
        }

    @property
    def model_override_value(self) -> str:
        """An adapter: what `model` names in a call."""
        return "support"

    @property
    def supports_json_mode(self) -> bool:
        """Any JSON object, by constrained decoding."""
        return True

    @property
    def enable_vcr_tests(self) -> bool:
        """Nothing goes over the network, so there is nothing to record."""
        return True
