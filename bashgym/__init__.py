"""BashGym: a personal AI training flywheel, declared in recipes."""

__version__ = "0.1.0"
