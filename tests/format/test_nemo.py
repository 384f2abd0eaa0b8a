"""NeMo's rows: its chat, and input and output. NeMo itself is too large for a test: held to its documents."""


def test_chat(session, pair, render, reloaded):
    rows, _ = render("nemo", session)
    (row,) = reloaded(rows)
    assert set(row) == {"id", "system", "mask", "conversations", "meta"} and row["mask"] == "User"
    assert {one["from"] for one in row["conversations"]} == {"User", "Assistant"}
    assert row["system"].startswith("Working directory: /w") and "<tools>" in row["system"]
    assert row["conversations"][2] == {"from": "User", "value": "<tool_response>x = {1}</tool_response>"}
    reason = "conversation with a reply that must not be learnt, which NeMo cannot mask"
    assert render("nemo", pair) == ([], {reason: 1})


def test_input_and_output(session, render, reloaded):
    rows, _ = render("nemo", session, layout="input_output")
    assert [row["output"] for row in reloaded(rows)][-1] == "Pushed.<|im_end|>"
    assert all(set(row.data) == {"id", "input", "output", "meta"} for row in rows)
