"""Presidio's recognizers, kept from logging what they see and from going online."""

import inspect
import logging
import re
from collections.abc import Iterator
from importlib.metadata import version
from types import ModuleType
from typing import Any

from bashgym.errors import PrivacyError

COUNTRY = re.compile(r"\.country_specific\.(\w+)\.")
MODELS = re.compile(r"\.(?:ner|nlp_engine_recognizers|third_party)\.")  # they need a language model or a service


def predefined() -> ModuleType:
    """The module of recognizers. Raises PrivacyError when presidio is not installed."""
    try:
        import tldextract
        from presidio_analyzer import predefined_recognizers
    except ImportError as error:
        raise PrivacyError("this sanitizer needs presidio; install it with: pip install presidio-analyzer") from error
    for name in ("presidio-analyzer", "presidio_analyzer", "phonenumbers"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs the very values it cannot validate
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # else it downloads the list of suffixes
    tldextract.tldextract.TLD_EXTRACTOR = offline
    tldextract.extract = offline  # type: ignore[assignment]
    module: ModuleType = predefined_recognizers
    return module


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
