"""Names of persons and places in prose, by a language model in a folder of yours: spaCy, GLiNER or transformers.

Nothing is downloaded: a model is loaded from a local folder or not at all. Only prose is looked at (what people and
models write to each other), never the output of tools, which models of language take for names."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.errors import PrivacyError
from bashgym.kinds import ScanContext
from bashgym.records import Span
from bashgym.scanning.rules import digest
from bashgym.scanning.text import copies

Found = tuple[int, int, str]  # start, end, label
LONGEST = 2000  # characters given to a model at once
PARAGRAPH = re.compile(r"[^\n]+(?:\n(?!\n)[^\n]+)*")
TYPES = {
    "PER": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "LOCATION": "LOCATION",
    "ORG": "ORGANIZATION", "ORGANIZATION": "ORGANIZATION", "ADDRESS": "ADDRESS",
}  # fmt: skip


class Sanitizer:
    """Asks one model; `Config` says where it lies."""

    class Config(BaseConfig):
        engine: Literal["spacy", "gliner", "transformers"] = "spacy"
        """What the model was made for."""
        path: str = ""
        """The model's folder; a name of a model on the internet is not accepted."""
        required: bool = False
        """Stop the run where the model is absent; otherwise it goes on without, and the audit says so."""
        entities: list[str] = Field(default=["PERSON", "LOCATION"])
        """What to replace: PERSON, LOCATION, ORGANIZATION, ADDRESS."""
        score: float = Field(default=0.5, gt=0, le=1)
        """How sure a model has to be that says so (GLiNER, transformers)."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.model = load(config)

    def engine(self) -> str:
        """Which model, by its files; or that there is none."""
        if self.model is None:
            return "ner: absent"
        files = sorted(path for path in Path(self.config.path).rglob("*") if path.is_file())
        return f"ner: {self.config.engine} {digest(files)}"

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        if self.model is None:
            return
        for index, copy in enumerate(copies(strings, context)):
            for at, text in prose(copy.text):
                for start, end, label in self.model(text):
                    type = TYPES.get(label.upper(), "")
                    if type in self.config.entities and any(letter.isalpha() for letter in text[start:end]):
                        first, last = copy.back(at + start, at + end)
                        yield Span(index=index, start=first, end=last, type=type, rule=self.config.engine)


def load(config: Sanitizer.Config) -> Callable[[str], list[Found]] | None:
    """A function from text to what the model finds in it; None where it is absent and need not be there.

    Raises PrivacyError where it is required, or is there and cannot be loaded."""
    folder = Path(config.path).expanduser()
    if not config.path or not folder.is_dir():
        if config.required:
            raise PrivacyError(
                f"sanitizer.ner.path: {config.path!r} is no folder; put a model there or set required=false"
            )
        return None
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        return LOADERS[config.engine](str(folder), config)
    except ImportError as error:
        raise PrivacyError(f"sanitizer.ner.engine: {config.engine} is not installed ({error.name})") from error
    except (OSError, ValueError, KeyError) as error:
        raise PrivacyError(f"sanitizer.ner.path: {config.path} holds no model of {config.engine}: {error}") from error


def spacy_model(folder: str, config: Sanitizer.Config) -> Callable[[str], list[Found]]:
    import spacy

    model = spacy.load(folder)
    return lambda text: [(each.start_char, each.end_char, each.label_) for each in model(text).ents]


def gliner_model(folder: str, config: Sanitizer.Config) -> Callable[[str], list[Found]]:
    from gliner import GLiNER

    model = GLiNER.from_pretrained(folder, local_files_only=True)
    labels = [label.lower() for label in config.entities]

    def find(text: str) -> list[Found]:
        found = model.predict_entities(text, labels, threshold=config.score)
        return [(each["start"], each["end"], each["label"]) for each in found]

    return find


def transformers_model(folder: str, config: Sanitizer.Config) -> Callable[[str], list[Found]]:
    from transformers import pipeline

    model = pipeline("token-classification", model=folder, tokenizer=folder, aggregation_strategy="simple")

    def find(text: str) -> list[Found]:
        sure = (each for each in model(text) if each["score"] >= config.score)
        return [(each["start"], each["end"], each["entity_group"]) for each in sure]

    return find


LOADERS = {"spacy": spacy_model, "gliner": gliner_model, "transformers": transformers_model}


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs that are mostly words in sentences, each with its place, cut where they are long."""
    for match in PARAGRAPH.finditer(text):
        for start in range(match.start(), match.end(), LONGEST):
            part = text[start : min(match.end(), start + LONGEST)]
            letters = sum(letter.isalpha() or letter == " " for letter in part)
            if " " in part and letters >= 0.85 * len(part) and len(part) >= 12:
                yield start, part
