"""Where a model is, and what may be spent on it. The key itself is never part of a recipe: only its variable's name."""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from bashgym.config import Config
from bashgym.near import is_near

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


class EndpointSettings(Config):
    url: str
    """Where the API begins: https://api.anthropic.com, https://api.openai.com/v1, http://127.0.0.1:8000/v1."""
    protocol: Literal["openai", "anthropic"]
    """The protocol it speaks: chat completions or messages."""
    model: str = Field(min_length=1)
    """The model's name there."""
    key_env: str = ""
    """NAME of the environment variable that holds the key; empty: none is sent."""
    timeout_s: float = Field(default=120.0, gt=0)
    """Seconds one request may take."""
    retries: int = Field(default=5, ge=0, le=20)
    """How often a request is tried again that met a limit (429), a server's fault (5xx) or a lost connection."""
    max_tokens: int = Field(default=1024, ge=1)
    """Tokens a reply may have."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    """How much chance there is in a reply; null: not sent."""
    max_usd: float | None = Field(default=1.0, ge=0)
    """USD that all processes here together may spend on this model in one day (UTC), at list prices; null: no limit."""

    @field_validator("url")
    @classmethod
    def private_on_its_way(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no address of a server; write it as https://api.anthropic.com")
        if parts.username or parts.password or parts.query:
            raise ValueError(
                "holds more than an address; put the key into an environment variable and name it: key_env"
            )
        if parts.scheme == "http" and not is_near(parts.hostname):
            raise ValueError("sessions would travel unencrypted; use https")
        return url.rstrip("/")

    @field_validator("key_env")
    @classmethod
    def a_name(cls, name: str) -> str:
        if name and not VARIABLE.fullmatch(name):
            raise ValueError("not the name of an environment variable; name one in capitals, never the key itself")
        return name

    @property
    def near(self) -> bool:
        """Whether it runs on this machine or in its own network, where nobody sends a bill."""
        return is_near(urlsplit(self.url).hostname or "")
