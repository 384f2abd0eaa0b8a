"""Presidio's recognizers, kept from logging what they see and from going online."""

import contextlib
import inspect
import logging
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

from bashgym.errors import PrivacyError

COUNTRY = re.compile(r"\.country_specific\.(\w+)\.")
MODELS = re.compile(r"\.(?:ner|nlp_engine_recognizers|third_party)\.")  # they need a language model or a service
PRESIDIO = "presidio_analyzer"
RECOGNIZERS = f"{PRESIDIO}.predefined_recognizers"
BASES = (  # what recognizers are derived from, in this order
    "analysis_explanation.AnalysisExplanation",
    "recognizer_result.RecognizerResult",
    "entity_recognizer.EntityRecognizer",
    "local_recognizer.LocalRecognizer",
    "pattern.Pattern",
    "pattern_recognizer.PatternRecognizer",
)


def some(*places: str) -> Any:
    """Some of what `predefined()` has, by place (`generic.mac_recognizer.MacAddressRecognizer`), as attributes.

    All of presidio takes every process a second to import, most of it for spaCy, which no rule needs; these take a
    tenth of that. Raises PrivacyError when presidio is not installed."""
    if PRESIDIO in sys.modules or find_spec(PRESIDIO) is None:
        return predefined()
    try:
        with bare_packages({place.rpartition(".")[0].rpartition(".")[0] for place in places}):
            found = dict(taken(f"{RECOGNIZERS}.{place}") for place in places)
    except (ImportError, AttributeError):  # a presidio that is built otherwise: all of it
        return predefined()
    discreet()
    return SimpleNamespace(**found)


@contextlib.contextmanager
def bare_packages(folders: set[str]) -> Iterator[None]:
    """Presidio's packages with what recognizers are derived from, and without all else that importing them brings;
    afterwards as if never imported, for whoever wants all of it."""
    (root,) = find_spec(PRESIDIO).submodule_search_locations  # type: ignore[union-attr,misc]
    above = {folder.partition(".")[0] for folder in folders}
    inside = sorted(f"{RECOGNIZERS}.{folder}" for folder in above | folders)
    bare = {name: ModuleType(name) for name in (PRESIDIO, f"{PRESIDIO}.nlp_engine", RECOGNIZERS, *inside)}
    for name, package in bare.items():
        package.__path__ = [root + name.removeprefix(PRESIDIO).replace(".", "/")]
    bare[f"{PRESIDIO}.nlp_engine"].NlpArtifacts = Any  # type: ignore[attr-defined]  # the type of an argument
    sys.modules.update(bare)
    try:
        for base in BASES:
            setattr(bare[PRESIDIO], *taken(f"{PRESIDIO}.{base}"))
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == PRESIDIO]:
            del sys.modules[name]


def taken(place: str) -> tuple[str, Any]:
    """A class by its dotted name, with its own."""
    module, _, name = place.rpartition(".")
    return name, getattr(import_module(module), name)


def predefined() -> ModuleType:
    """The module of recognizers. Raises PrivacyError when presidio is not installed."""
    try:
        from presidio_analyzer import predefined_recognizers
    except ImportError as error:
        raise PrivacyError("this sanitizer needs presidio; install it with: pip install presidio-analyzer") from error
    discreet()
    module: ModuleType = predefined_recognizers
    return module


def discreet() -> None:
    """Nothing is logged, nothing is downloaded."""
    import tldextract

    for name in ("presidio-analyzer", "presidio_analyzer", "phonenumbers"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs the very values it cannot validate
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # else it downloads the list of suffixes
    tldextract.tldextract.TLD_EXTRACTOR = offline
    tldextract.extract = offline  # type: ignore[assignment]


def versions() -> str:
    """What the results depend on."""
    return f"presidio {version('presidio-analyzer')} tldextract {version('tldextract')}"


def recognizers(countries: list[str]) -> Iterator[tuple[str, Any]]:
    """Every recognizer that works by rules, with its country ("" for none), for English; `all` means all countries.

    Raises PrivacyError for a country that presidio does not know."""
    from presidio_analyzer import EntityRecognizer

    found: dict[str, list[Any]] = {}
    for _, kind in inspect.getmembers(predefined(), inspect.isclass):
        if not issubclass(kind, EntityRecognizer) or MODELS.search(kind.__module__):
            continue
        place = COUNTRY.search(kind.__module__)
        found.setdefault(place[1] if place else "", []).append(kind)
    for country in countries:
        if country not in found and country != "all":
            known = ", ".join(sorted(name for name in found if name))
            raise PrivacyError(f"presidio knows no country {country!r}; it knows: {known}, all")
    for country, kinds in sorted(found.items()):
        if not country or country in countries or "all" in countries:
            yield from ((country, kind(supported_language="en")) for kind in kinds)
