"""Other tools that find secrets or people, for benchmarks/sanitizer.py."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator

OTHERS = (
    ("dataclaw", "dataclaw.secrets", "redact_text"),
    ("claude-collector", "claude_collector.sanitize", "sanitize"),
)


def peers() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Tools that can be imported, each as a function of one string."""
    if importlib.util.find_spec("presidio_analyzer"):
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import NoOpNlpEngine

        language = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}])
        language.load()
        registry = RecognizerRegistry()
        registry.load_predefined_recognizers(languages=["en"])
        registry.remove_recognizer("SpacyRecognizer")
        analyzer = AnalyzerEngine(registry=registry, nlp_engine=language, supported_languages=["en"])
        yield "presidio", lambda text: analyzer.analyze(text, language="en", score_threshold=0.4)
    for name, module, function in OTHERS:
        try:
            yield name, getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError):
            print(f"{name} is not installed")
