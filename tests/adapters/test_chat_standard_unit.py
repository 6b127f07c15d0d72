"""LangChain's own tests of a chat model that need no model."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from ragweave.adapters.chat import ChatLora


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
class TestChatLoraStandard(ChatModelUnitTests):
    """The suite of langchain-tests."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        """What is tested."""
        return ChatLora

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """Nothing is loaded, so that any hub id serves."""
        return {"base": "some/base-model"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """The key alone comes from the environment."""
        return {"RAGWEAVE_MODEL_API_KEY": "sesame"}, self.chat_model_params, {"api_key": "sesame"}
