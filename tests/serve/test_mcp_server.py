"""The service as tools for agents: what they answer, and how they refuse; over the protocol where mcp is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from thinkrec.errors import DataError
from thinkrec.serve import mcp_server
from thinkrec.serve.errors import UnknownIdError
from thinkrec.serve.mcp_server import UNEXPECTED, AgentTools, McpApi, build_mcp_server, import_mcp
from thinkrec.serve.schemas import Opinion
from thinkrec.serve.service import RecommenderService


class RefusedError(Exception):
    """Stands for the protocol's error of a tool."""


class Server:
    """Keeps the tools that it is given."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.settings, self.tools = settings, {}

    def add_tool(self, tool: Any, annotations: Any) -> None:
        assert annotations["read_only_hint"]
        self.tools[tool.__name__] = tool


API = McpApi(Server, RefusedError, dict)


def test_tools_give_what_the_service_answers(service: RecommenderService) -> None:
    tools = AgentTools(service)
    answer = tools.recommend(user=1, top=3, reasons="rules")
    expected = service.rank(1, top=3, reasons="rules")
    assert [entry["item"] for entry in answer["items"]] == [entry.item for entry in expected.items]
    assert all(entry["reason"]["writer"] in ("rules", "plain") for entry in answer["items"])
    item = answer["items"][0]["item"]
    why = tools.explain(item, user=1, reason="rules")
    assert why["score"] == pytest.approx(answer["items"][0]["score"], abs=1e-5)
    assert len(why["history"]) and all(line["effect"] is not None for line in why["history"])
    json.dumps([answer, why], allow_nan=False)


def test_a_history_stands_for_the_known_one(service: RecommenderService) -> None:
    past = [Opinion(item=service.loaded.model.ds.items.ids[0], liked=True)]
    why = AgentTools(service).explain(service.loaded.model.ds.items.ids[3], history=past, reason="none")
    assert [(line["item"], line["liked"]) for line in why["history"]] == [(past[0].item, True)]


def test_refusals_come_in_words_and_failures_say_nothing(
    service: RecommenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = build_mcp_server(service, API)
    assert set(server.tools) == {"recommend", "explain"}
    assert "no instructions" in server.settings["instructions"] and "{" not in server.settings["instructions"]
    with pytest.raises(RefusedError, match="nobody-here") as refusal:
        server.tools["recommend"](user="nobody-here")
    assert isinstance(refusal.value.__cause__, UnknownIdError)

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr(RecommenderService, "explain", fail)
    with pytest.raises(RefusedError) as failure:
        server.tools["explain"](3, user=1)
    assert str(failure.value) == UNEXPECTED


@pytest.mark.parametrize("lacking", ["mcp.server", "mcp.types"])
def test_without_the_package_the_message_says_what_to_install(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, lacking, None)
    with pytest.raises(DataError, match=r"pip install 'thinkrec\[mcp\]'"):
        import_mcp()
    with pytest.raises(DataError, match="mcp"):
        mcp_server.run_mcp_server(Path("nowhere"), None, None)  # type: ignore[arg-type]


@pytest.mark.skipif(not importlib.util.find_spec("mcp"), reason="needs the package mcp: pip install 'thinkrec[mcp]'")
def test_a_client_of_the_protocol_lists_and_calls_the_tools(served_folder: Path) -> None:
    from mcp import ClientSession, StdioServerParameters, stdio_client

    command = ["-m", "thinkrec", "mcp", str(served_folder), "--threads", "1"]
    server = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))

    async def talk() -> tuple[Any, ...]:
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
            return (
                await session.list_tools(),
                await session.call_tool("recommend", {"user": 1, "top": 2, "reasons": "rules"}),
                await session.call_tool("explain", {"item": 3, "user": 1, "reason": "rules"}),
                await session.call_tool("recommend", {"user": "nobody-here"}),
                await session.call_tool("recommend", {"user": 1, "top": 5000}),
            )

    listed, ranking, why, unknown, too_many = asyncio.run(talk())
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"recommend", "explain"}
    assert tools["explain"].input_schema["required"] == ["item"] and tools["recommend"].annotations.read_only_hint
    assert not ranking.is_error and len(ranking.structured_content["items"]) == 2
    assert not why.is_error and why.structured_content["item"] == 3
    assert unknown.is_error and "nobody-here" in unknown.content[0].text
    assert too_many.is_error and "Traceback" not in too_many.content[0].text
