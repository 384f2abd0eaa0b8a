"""A client for OpenAI- and Anthropic-compatible models: judges and teachers ask through it.

endpoint = Endpoint(EndpointSettings(url=..., protocol=..., model=...))
reply = endpoint.ask("You judge ...", [{"role": "user", "content": "..."}], shape=Answer, check=gate)
"""

from bashgym.endpoint.client import Check, Endpoint, EndpointFailed, OverBudget
from bashgym.endpoint.logprobs import PromptLogprobs
from bashgym.endpoint.protocols import Reply
from bashgym.endpoint.settings import EndpointSettings

__all__ = ["Check", "Endpoint", "EndpointFailed", "EndpointSettings", "OverBudget", "PromptLogprobs", "Reply"]
