def test_what_an_agent_says_is_left_undone():
    from bashgym.signals.words import admits

    undone = [
        "I did not get to the second part.",
        "I couldn't fix the last one.",
        "One test is still red.",
        "The export is not yet implemented.",
    ]
    done = [
        "The script still fails when a test fails, as it should.",
        "I did not touch the tests.",
        "A new test is left out on Windows.",
        "All four pass.",
    ]
    assert all(map(admits, undone)) and not any(map(admits, done))
