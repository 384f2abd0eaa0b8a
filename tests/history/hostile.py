"""A session whose every text tries to run something, in each place where a page might forget to escape."""

ATTACKS = (
    "<script>document.title='owned';alert(1)</script>",
    "</script><script>document.title='owned';alert(1)</script>",
    "</style><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\';alert(1)">',
    "' onmouseover='alert(1)' x='",
    "`${alert(1)}`{{ 7 * 7 }}{% raw %}",
    "</details></article></main><iframe src='https://example.org/x'></iframe>",
    "<a href=\"javascript:alert(1)\">go</a> javascript:alert(1) <base href='https://example.org/'>",
    "<svg/onload=alert(1)><link rel=stylesheet href=https://example.org/x.css>",
    "<!--><meta http-equiv=refresh content='0;url=https://example.org'>",
    "\u202egnihtemos\u2066 \x1b[31m \x00\x0b\ud800 \ufeff\u2028",
    "&lt;b&gt; &#x3c;script&#x3e; \\u003cscript\\u003e",
)
ATTACK = " ".join(ATTACKS)


def fill(past, session: str, name: str = ATTACK) -> None:
    """One session with the attack as prompt, thinking, words, tool, arguments, result, diff, model, branch, version,
    sub-agent, file, command, summary and malformed line."""
    past.cwd = f"/w/{name}"
    past.says(name, gitBranch=name, version=name)
    thought = {"type": "thinking", "thinking": name, "signature": name}
    call = {"type": "tool_use", "id": "t1", "name": name[:60], "input": {"command": name, name: {name: [name]}}}
    past.reply("a", thought, {"type": "text", "text": name}, call, model=name)
    past.result("t1", name, failed=True)
    past.calls("b", "t2", "Edit", {"file_path": name, "old_string": name, "new_string": f"{name}\n{name}"})
    patch = [{"newStart": name, "lines": [f"-{name}", f"+{name}", f" {name}"]}]
    past.result("t2", name, toolUseResult={"structuredPatch": patch})
    past.calls("c", "t3", "Task", {"prompt": name, "subagent_type": name, "description": name})
    past.result("t3", name, toolUseResult={"agentId": "abc1234", "content": []})
    past.says(f"<command-name>{name}</command-name><command-args>{name}</command-args>")
    past.says(name, isMeta=True)
    past.line(name, None, content=name)
    past.line("system", None, subtype="compact_boundary", content=name, compactMetadata={"trigger": "auto"})
    past.says(name, isCompactSummary=True)
    past.reply("d", {"type": "text", "text": name}).reply("e", {"type": "text", "text": "the end"})
    path = past.save(session, folder="-w")
    path.write_bytes(path.read_bytes() + f"{{broken {name}\n".encode("utf-8", "backslashreplace"))
    past.says(name, isSidechain=True, agentId="abc1234")
    past.reply("f", {"type": "text", "text": name}, isSidechain=True, agentId="abc1234")
    past.save(session, folder="-w", under=f"{session}/subagents/agent-abc1234.jsonl")
