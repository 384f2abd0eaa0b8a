"""The Hub's session traces, by the page that defines them."""

import json

from bashgym import registry

MESSAGE = {"role", "content", "reasoningContent", "toolCalls", "toolCallId", "timestamp", "model"}


def test_a_document_is_a_session(session, render):
    ((row,), _) = render("sts", session)
    plugin = registry.load("format", "sts")
    header, *lines = map(json.loads, plugin(plugin.Config()).document(row.data).splitlines())
    assert (header["type"], header["harness"], header["id"]) == ("session", "bashgym", "s#0")
    assert header["name"] == "fix the tëst" and header["tools"] == session.tools
    assert all(line["type"] == "message" and set(line["message"]) <= MESSAGE for line in lines)
    messages = [line["message"] for line in lines]
    assert {one["role"] for one in messages} <= {"user", "assistant", "system", "tool"}
    called = [call["id"] for one in messages for call in one.get("toolCalls", [])]
    assert called == [one["toolCallId"] for one in messages if one["role"] == "tool"]
    arguments = messages[2]["toolCalls"][0]["function"]["arguments"]
    assert isinstance(arguments, str) and json.loads(arguments) == {"path": "a.py", "n": 3}
    assert messages[2]["reasoningContent"] == "where?" and len(messages) == len(session.messages)


def test_datasets(session, render, reloaded):
    (row,) = reloaded(render("sts", session)[0])
    assert len(row["lines"]) == 1 + len(session.messages)
