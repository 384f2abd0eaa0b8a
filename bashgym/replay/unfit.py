"""Why a session's change cannot be made again."""


class Unfit(Exception):
    """The reason in a few words of ours; nothing of the session is in it."""
