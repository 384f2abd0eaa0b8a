"""What a session did to the tests and checks that were to judge it: the signs of reward hacking, and their excuses.

Plain words and patterns over the trace; nothing is executed. `signs.py` puts the rooms together."""
