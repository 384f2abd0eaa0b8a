"""A tiny MCP server over standard input and output: the tools `echo` and `fail`; other behaviour by argument."""

import json
import os
import signal
import sys
import time

TOOLS = [{"name": name, "description": name, "inputSchema": {"type": "object"}} for name in ("echo", "fail")]


def answer(request: dict) -> dict:
    method, params = request["method"], request.get("params", {})
    if method == "initialize":
        return {"result": {"protocolVersion": "2025-11-25", "serverInfo": {"name": "tiny", "version": "1"}}}
    if method == "tools/list":
        return {"result": {"tools": TOOLS}}
    if method == "tools/call" and params["name"] == "echo":
        return {"result": {"content": [{"type": "text", "text": params["arguments"]["text"]}]}}
    if method == "tools/call":
        return {"result": {"content": [{"type": "text", "text": "it failed"}], "isError": True}}
    return {"error": {"code": -32601, "message": f"no {method}"}}


def serve(slowly: bool) -> None:
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "id" not in request:
            continue
        data = json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer(request)}).encode() + b"\n"
        for piece in [data[n : n + 1] for n in range(len(data))] if slowly else [data]:
            os.write(1, piece)


def told(number: int, _frame: object) -> None:
    os.write(2, f"got {signal.Signals(number).name}\n".encode())
    os._exit(40 + number)


if __name__ == "__main__":
    how = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if how == "signals":
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, told)
        os.write(1, b"ready\n")
        time.sleep(60)
    elif how == "die":
        os.write(1, b"ready\n")
        time.sleep(60)
    else:
        serve(how == "slowly")
