"""What a user's answer allows that answers a question: "May the spec follow?" - "yes" says "the spec may follow"."""

import re
from collections.abc import Iterator, Sequence

from bashgym.trace import Step

QUESTION = re.compile(r"(?<![^.!?\n。？])[^.!?\n。？]*[?？]")  # tried from where a sentence begins alone
BETWEEN = re.compile(r",?\s+\b(?:or|oder|ou|o)\b\s+|それとも|か、", re.IGNORECASE)
WORD = re.compile(r"[^\W_]{3,}")
REFUSAL = re.compile(
    r"^\s*(?:no|nope|nah|don'?t|do\s+not|never|neither|keep|leave|nein|nicht|non|laisse|いいえ|いや|だめ)\b|^\s*(?:いいえ|いや|だめ)",
    re.IGNORECASE,
)
CONSENT = re.compile(
    r"^\s*(?:yes|yep|yeah|sure|ok(?:ay)?|please|go\s+ahead|do\s+(?:it|that|so)|right|fine|agreed|correct|both|ja|gerne|klar"
    r"|mach|oui|d'accord|vas-y|sí|si|claro|sim|certo)\b|^\s*(?:はい|ええ|お願い|どうぞ|それで)",
    re.IGNORECASE,
)
LONGEST = 300  # characters of an answer; a longer one is a request of its own


def agreed(steps: Sequence[Step]) -> Iterator[str]:
    """Of each question of the agent's that the user answered: what he agreed to, in the question's words."""
    question = ""
    for step in steps:
        if not step.info.active:
            continue
        if step.info.kind == "agent" and step.text.strip():
            end = step.text[-2000:]
            question = " ".join(QUESTION.findall(end)) if "?" in end or "？" in end else ""
        elif step.info.kind == "human":
            if question and len(step.text) <= LONGEST:
                yield chosen(question, step.text)
            question = ""


def chosen(question: str, answer: str) -> str:
    """The alternative that shares most words with the answer; the last one offered where the answer is a plain yes."""
    if REFUSAL.search(answer):
        return ""
    offered = [part.strip(" ?？") for part in BETWEEN.split(question) if part.strip(" ?？")]
    said = {word.lower() for word in WORD.findall(answer)}
    shared = [len(said & {word.lower() for word in WORD.findall(part)}) for part in offered]
    most = max(shared, default=0)
    if most:
        return offered[shared.index(most)] + "."
    return offered[-1] + "." if offered and CONSENT.search(answer) else ""
