"""Chat templates in this environment: messages as the very text that the model is shown.

Rendered as transformers does it (a sandbox, JSON with non-ASCII letters as they are), so that rows of text and what
is measured later agree; a test holds the two against each other."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import jinja2.sandbox

from bashgym import axolotl
from bashgym.errors import RecipeError

SCRATCH = "chatml_tools"  # what a model made from the data has for its own
MARKS = {"chatml_tools": ("", "<|im_end|>"), "llama2_tools": ("<s>", "</s>")}
GENERATION = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")  # marks for trainers, no part of the text


class TemplateFault(ValueError):
    """The template cannot say these messages."""


class Template(NamedTuple):
    """A chat template with the tokens that begin and end a text."""

    name: str
    source: str
    bos: str
    eos: str

    def render(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], prompt: bool = False) -> str:
        """The text of `messages`; with `prompt` it ends where a reply would begin. Raises TemplateFault."""
        shown = [{key: value for key, value in message.items() if key != "train"} for message in messages]
        try:
            return compiled(self.source).render(
                messages=shown,
                tools=list(tools) or None,
                add_generation_prompt=prompt,
                bos_token=self.bos,
                eos_token=self.eos,
            )
        except (jinja2.TemplateError, TypeError, KeyError, ValueError) as error:
            raise TemplateFault(f"{self.name}: {error}") from error

    def turn(self, before: Sequence[Mapping[str, Any]], reply: Mapping[str, Any], tools: Sequence[Any]) -> "Turn":
        """The text before a reply, and the reply's own with the token that ends it. Raises TemplateFault.

        Neither opens with the token that opens all texts: a tokenizer that has one adds it to what it reads."""
        asked = self.asked(before, tools)
        whole = self.unopened(self.render([*before, reply], tools))
        if not whole.startswith(asked):
            raise TemplateFault(f"{self.name}: a reply does not continue its prompt")
        return Turn(asked, whole[len(asked) :].rstrip("\n"))

    def asked(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any]) -> str:
        """The text up to where a reply would begin. Raises TemplateFault."""
        return self.unopened(self.render(messages, tools, prompt=True))

    def unopened(self, text: str) -> str:
        return text.removeprefix(
            self.bos if "bos_token" in self.source else ""
        )  # else it opens every turn, as in ChatML


class Turn(NamedTuple):
    prompt: str
    completion: str


@lru_cache
def compiled(source: str) -> jinja2.Template:
    place = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    place.filters["tojson"] = tojson
    place.globals["raise_exception"] = refuse
    place.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return place.from_string(GENERATION.sub("", source))


def tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def refuse(message: str) -> None:
    raise jinja2.TemplateError(message)


@lru_cache
def chosen(chat_template: str, base: str) -> Template:
    """The template that a recipe means. Raises RecipeError for tokenizer_default where it is not on this disk."""
    name = SCRATCH if (chat_template, base) == ("tokenizer_default", "scratch") else chat_template
    if name != "tokenizer_default":
        source = axolotl.template_file(name).read_text(encoding="utf-8")
        return Template(name, source, *MARKS.get(name, ("", "")))
    folder = Path(base).expanduser()
    if not folder.is_dir():
        raise RecipeError(
            f"model.chat_template: rows of text need the template here, and that of {base} is not; choose chatml_tools "
            "or llama2_tools, or set model.base to a local folder"
        )
    return of_folder(folder)


def of_folder(folder: Path) -> Template:
    """The template that lies with a model's tokenizer."""
    config = folder / "tokenizer_config.json"
    settings = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    file = folder / "chat_template.jinja"
    source = file.read_text(encoding="utf-8") if file.is_file() else settings.get("chat_template")
    if not isinstance(source, str):
        raise RecipeError(f"model.base: the tokenizer in {folder} has no chat template; choose model.chat_template")
    return Template(str(folder), source, token(settings.get("bos_token")), token(settings.get("eos_token")))


def token(value: Any) -> str:
    """A special token as tokenizer_config.json writes it: text, or an object around it."""
    return str(value.get("content", "") if isinstance(value, dict) else value or "")
