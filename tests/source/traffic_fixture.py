"""Captured traffic of a client of Anthropic's API and of OpenAI's two.

Built from the schema: of claude-trace no real file was at hand. Every line carries credentials (CANARIES) where real
ones do: in headers, in the user's id, in a URL, and, as careless programs do, in the words of a tool's result."""

import json
from typing import Any

CANARIES = [
    "sk-ant-oat01-CANARYCANARY-0001-abcdef",
    "sk-ant-api03-CANARYCANARY-0002-abcdef",
    "CANARYCOOKIE0003value",
    "org-CANARY-0004-1234567890",
    "CANARYUSER0005_account__session",
    "CANARYQUERY0006key",
    "CANARYSET0007cookie",
]
TIME = 1_760_000_000.0
TOOLS = [
    {"name": "Bash", "description": "Runs it", "input_schema": {"type": "object", "properties": {"command": {}}}},
    {"name": "Task", "description": "A sub-agent", "input_schema": {"type": "object"}},
    {"type": "web_search_20250305", "name": "web_search"},
]
SYSTEM = [
    {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329; cch=1"},
    {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
    {"type": "text", "text": "Working directory: /home/sam/code\nToday's date: 1"},
]
CHILD = [{"type": "text", "text": "You are a sub-agent."}]


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def use(name: str, call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def message(number: int, *content: Any, stop: str = "end_turn", model: str = "claude-opus-4-5") -> dict[str, Any]:
    usage = {"input_tokens": 10 + number, "output_tokens": 5, "cache_read_input_tokens": 100,
             "cache_creation_input_tokens": 7, "service_tier": "standard"}  # fmt: skip
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model}
    return {**head, "content": list(content), "stop_reason": stop, "stop_sequence": None, "usage": usage}


def anthropic_stream(whole: dict[str, Any], *, cut: int | None = None) -> str:
    """The events that would have carried `whole`; with `cut` only so many of them."""
    usage = whole["usage"]
    start = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[tuple[str, dict[str, Any]]] = [("message_start", {"message": start}), ("ping", {})]
    for index, block in enumerate(whole["content"]):
        kind = block["type"]
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
        events.append(("content_block_start", {"index": index, "content_block": {**block, **empty}}))
        for delta in deltas(block):
            events.append(("content_block_delta", {"index": index, "delta": delta}))
        events.append(("content_block_stop", {"index": index}))
    final = {"output_tokens": usage["output_tokens"]}
    events.append(("message_delta", {"delta": {"stop_reason": whole["stop_reason"]}, "usage": final}))
    events.append(("message_stop", {}))
    return "".join(f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n" for kind, data in events[:cut])


def deltas(block: dict[str, Any]) -> list[dict[str, Any]]:
    """A block in pieces of three characters."""
    if block["type"] == "tool_use":
        return [
            {"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(json.dumps(block["input"]))]
        ]
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        return [*thoughts, {"type": "signature_delta", "signature": block["signature"]}]
    return [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]


def pieces(words: str) -> list[str]:
    return [words[n : n + 3] for n in range(0, len(words), 3)]


def pair(number: int, url: str, body: dict[str, Any], answer: Any, status: int = 200) -> dict[str, Any]:
    """A line of a log, as claude-trace writes it, with a canary wherever there could be one."""
    headers = {
        "Authorization": f"Bearer {CANARIES[0]}", "x-api-key": CANARIES[1], "Cookie": f"a=b; session={CANARIES[2]}",
        "anthropic-organization-id": CANARIES[3], "OpenAI-Organization": CANARIES[3], "X-Odd-Token": CANARIES[4],
        "user-agent": "claude-cli/2.1.329 (external, cli)", "content-type": "application/json",
    }  # fmt: skip
    kept = {"metadata": {"user_id": CANARIES[4]}, "user": CANARIES[4]}
    request = {"timestamp": TIME + number, "method": "POST", "url": f"{url}?key={CANARIES[5]}", "headers": headers,
               "body": {**body, **kept}}  # fmt: skip
    said = {"body_raw": answer} if isinstance(answer, str) else {"body": answer}
    answered = {"request-id": f"req_{number}", "set-cookie": f"sid={CANARIES[6]}; Path=/"}
    response = {"timestamp": TIME + number + 0.5, "status_code": status, "headers": answered, **said}
    return {
        "request": request,
        "response": None if answer is None else response,
        "logged_at": "2025-10-09T08:53:20.000Z",
    }


def ask(number: int, messages: list[dict[str, Any]], answer: Any, system: Any = SYSTEM, tools: Any = TOOLS,
        status: int = 200, model: str = "claude-opus-4-5") -> dict[str, Any]:  # fmt: skip
    """A request of the Messages API; marks of the cache and the billing line differ each time, as they do."""
    moved = json.loads(json.dumps(messages))
    if isinstance(moved[-1]["content"], list):
        moved[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    spoken = json.loads(json.dumps(system).replace("cch=1", f"cch={number}"))
    body = {"model": model, "max_tokens": 100, "stream": True, "system": spoken, "tools": tools, "messages": moved}
    return pair(number, "https://api.anthropic.com/v1/messages", body, answer, status)


REMINDER = text("<system-reminder>Be brief.</system-reminder>")
THINKING = {"type": "thinking", "thinking": "List them.", "signature": "sig=="}


def session() -> list[dict[str, Any]]:
    """A session of Claude Code: a quota check, a title, four replies, one failed request, a sub-agent, a rewind."""
    first = user(REMINDER, text("Fix the bug."))
    one = message(1, THINKING, text("Looking."), use("Bash", "t1", command="ls"), stop="tool_use")
    leak = f"ANTHROPIC_API_KEY={CANARIES[1]}"
    two_asked = [first, assistant(*one["content"]), user(result("t1", f"a.py {leak}"))]
    two = message(2, use("Task", "t2", prompt="Search it."), use("Bash", "t3", command="false"), stop="tool_use")
    child = message(3, text("Found it."))
    failed = result("t3", [text("exit 1")], is_error=True)
    third = user(result("t2", "Found it."), failed, REMINDER)
    cleared = user(result("t1", "[Old tool result content cleared]"))
    three_asked = [
        user(text("Fix the bug.")),
        assistant(*one["content"][1:]),
        cleared,
        assistant(*two["content"]),
        third,
    ]
    three = message(4, text("Done. "))
    taken_back = [*three_asked, assistant(text("Done.")), user("Thanks, and the tests?")]
    four = message(5, text("Which tests?"))
    instead = [*three_asked, assistant(text("Done.")), user("Now commit.")]
    five = message(6, text("Committed."))
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    quota = message(7, text("I"), stop="max_tokens", model="claude-haiku-4-5")
    title = message(8, text('{"title": "Bug"}'), model="claude-haiku-4-5")
    return [
        ask(0, [user("quota")], quota, system=[], tools=[], model="claude-haiku-4-5"),
        ask(1, [first], anthropic_stream(one)),
        ask(2, [user(text("Fix the bug."))], anthropic_stream(title), system=[text("Make a title.")], tools=[]),
        ask(3, two_asked, overloaded, status=529),
        ask(4, two_asked, anthropic_stream(two)),
        ask(5, [user(text("Search it."))], anthropic_stream(child), system=CHILD, tools=TOOLS[:1]),
        ask(6, three_asked, three),
        ask(7, taken_back, anthropic_stream(four)),
        ask(8, instead, anthropic_stream(five)),
        pair(
            9,
            "https://api.anthropic.com/api/oauth/token",
            {"refresh_token": CANARIES[0]},
            {"access_token": CANARIES[0]},
        ),
    ]


def chat_stream(*chunks: dict[str, Any], usage: dict[str, Any] | None = None) -> str:
    """Chunks of a chat completion, usage in the last one."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "qwen3"}
    events = [{**head, "choices": [{"index": 0, "finish_reason": None, **chunk}]} for chunk in chunks]
    events += [{**head, "choices": [], "usage": usage}] if usage else []
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


FUNCTION = {"type": "function", "function": {"name": "run", "description": "Runs", "parameters": {"type": "object"}}}


def chat_session() -> list[dict[str, Any]]:
    """Two requests of Chat Completions: a streamed reply with thinking and two parallel calls, then a plain one."""
    url = "http://localhost:8000/v1/chat/completions"
    asked = [{"role": "system", "content": "Be good."}, {"role": "user", "content": [{"type": "text", "text": "Run."}]}]
    fragments = [
        {"delta": {"role": "assistant", "content": None, "reasoning_content": "Two "}},
        {"delta": {"reasoning_content": "calls."}},
        {"delta": {"content": "Run"}}, {"delta": {"content": "ning."}},
        {"delta": {"tool_calls": [{"index": 0, "id": "c0", "function": {"name": "run", "arguments": ""}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"n":'}}]}},
        {"delta": {"tool_calls": [{"index": 1, "id": "c1", "function": {"name": "run", "arguments": '{"n": 2}'}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]}},
        {"delta": {}, "finish_reason": "tool_calls"},
    ]  # fmt: skip
    usage = {"prompt_tokens": 50, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20},
             "completion_tokens_details": {"reasoning_tokens": 4}}  # fmt: skip
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "run", "arguments": json.dumps({"n": n + 1})}}
             for n in range(2)]  # fmt: skip
    replied = {"role": "assistant", "content": "Running.", "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": f"out {n}"} for n in range(2)]
    said = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Both ran."}}
    final = {"id": "chatcmpl-2", "choices": [said], "usage": {"prompt_tokens": 70, "completion_tokens": 3}}
    return [
        pair(0, url, {"model": "qwen3", "messages": asked, "tools": [FUNCTION]}, chat_stream(*fragments, usage=usage)),
        pair(1, url, {"model": "qwen3", "messages": [*asked, replied, *results], "tools": [FUNCTION]}, final),
    ]


def responses_session() -> list[dict[str, Any]]:
    """Three requests of Responses: the history sent again, then only what is new."""
    url = "https://api.openai.com/v1/responses"
    tool = {"type": "function", "name": "run", "description": "Runs", "parameters": {"type": "object"}}
    items = [
        {
            "type": "reasoning",
            "id": "r",
            "summary": [{"type": "summary_text", "text": "Think."}],
            "encrypted_content": "e=",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Running.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "f1", "name": "run", "arguments": '{"n": 1}'},
    ]
    usage = {"input_tokens": 30, "output_tokens": 8, "input_tokens_details": {"cached_tokens": 10}}
    one = {"id": "resp_1", "model": "gpt-5", "status": "completed", "output": items, "usage": usage}
    events = [{"type": "response.created", "response": {"id": "resp_1", "output": []}},
              *({"type": "response.output_item.done", "item": item} for item in items),
              {"type": "response.completed", "response": one}]  # fmt: skip
    stream = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "Run."}]}]
    output = {"type": "function_call_output", "call_id": "f1", "output": "ok"}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Ran."}]}
    two = {**one, "id": "resp_2", "output": [said]}
    three = {**two, "id": "resp_3", "output": [{**said, "content": [{"type": "output_text", "text": "Bye."}]}]}
    body = {"model": "gpt-5", "instructions": "Be good.", "tools": [tool], "reasoning": {"effort": "high"}}
    return [
        pair(0, url, {**body, "input": asked}, stream),
        pair(1, url, {**body, "input": [*asked, *items, output]}, two),
        pair(2, url, {**body, "input": "Bye", "previous_response_id": "resp_2"}, three),
    ]


def as_har(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """The same as a browser's or a proxy's archive."""
    entries = []
    for one in pairs:
        request, response = one["request"], one["response"] or {"status_code": 0, "headers": {}}
        named = [[{"name": k, "value": v} for k, v in side["headers"].items()] for side in (request, response)]
        content = response.get("body_raw") or json.dumps(response.get("body"))
        entries.append({
            "startedDateTime": "2025-10-09T08:53:20.000Z",
            "request": {"method": "POST", "url": request["url"], "headers": named[0],
                        "postData": {"mimeType": "application/json", "text": json.dumps(request["body"])}},
            "response": {"status": response["status_code"], "headers": named[1], "content": {"text": content}},
        })  # fmt: skip
    return {"log": {"version": "1.2", "entries": entries}}
