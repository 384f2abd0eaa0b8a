"""The leak gate: nothing is written for training, shown to a remote judge or uploaded that it has not passed.

It trusts no sanitizer. It looks at the bytes as written: again with every scanner, over whole lines and not over
strings; for every value that was removed from any of the sessions, in every form it may hide in; and for canaries,
planted before the sanitizers ran."""
