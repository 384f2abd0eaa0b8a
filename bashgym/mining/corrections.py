"""Whether a user's words correct what the agent just did, or confirm it; plain English, precision before recall.

Beyond the complaints of bashgym/signals/words.py: directives that only make sense of work that is already there. Only
the opening of a message is read; a question is no correction, nor is what the client or a paste put there."""

import re
from typing import Literal

from bashgym.signals.words import tone

Word = Literal["correction", "confirmation", "other"]

OPENING = 400  # characters
SHORT = 6  # words; "our change?" asks without a word that asks
PASTED = re.compile(
    r"<[\w-]+>.*?</[\w-]+>|```.*?```|^\s*(?:>|Caveat:|\[Request interrupted).*$", re.DOTALL | re.MULTILINE
)
CORRECTING = re.compile(
    r"""
      ^\s*(?:no|nope|nah|hm+\s+no|wait)\b[,.!:;\s-]+(?!problem|worries|need|idea|rush|doubt|more|it's\ (?:good|fine))
          .*\b(?:not|n't|instead|should|use|wrong|meant?|put|keep|leave|rather|only
              |revert|undo|needs?|want(?:ed)?|belongs?)\b
    | ^\s*(?:stop|undo|revert|wrong)\b
    | \b(?:is|was|are|were|'s)\ (?:not\ (?:correct|right|what)|incorrect|wrong|backwards|the\ wrong)\b
    | \b(?:isn't|wasn't|aren't)\ (?:correct|right|what)\b
    | \byou\ (?:forgot|missed|broke|removed|deleted|dropped|misunderstood|ignored|skipped
          |put\ (?:it|that|this)\ in\ the\ wrong
          |(?:should(?:\ not|n't)|were\ not\ supposed|weren't\ supposed|were\ supposed)\b)
    | \bshould(?:\ not|n't)\ (?:have|be|use|do|return|raise|touch|change|need|go)\b
    | \bshould\ (?:have|be)\b[^?]{1,80}(?:,\ not\b|\binstead\b|\bnot\ (?:a|an|the|in|on)\b)
    | (?<!what\ )\bi\ (?:said|asked(?:\ you)?|meant|wanted|told\ you)\b
    | \b(?:use|do|put|make|call|name|return|write|rename|move)\b
          [^.?!\n]{1,80}\b(?:instead(?!\ of\ (?:just\ )?me)|rather\ than|and\ not\b|,\ not\b)
    | \binstead\ of\ (?:a|an|the|that|this|using|adding|doing|writing|having|\w+ing)\b
    | \b(?:don't|do\ not|never)\ (?:use|touch|change|edit|modify|remove|delete|add|hard-?code|rename
          |mock|skip|swallow|catch|log|print|import|commit|write)\b
    | \b(?:change|put|set|switch|move|turn)\ (?:it|that|this|them)\ back\b
    | \bnot\ what\ i\b | \bthat\ (?:breaks|broke|doesn't|does\ not)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
QUESTION = re.compile(
    r"^\s*(?:would|could|can|should|shall|do|does|did|is|are|was|what|which|who|how|why|when|where|if)\b[^.!\n]*\?",
    re.IGNORECASE,
)
CONFIRMING = re.compile(
    r"^\s*(?:(?:yes|yep|yeah|ok(?:ay)?|great|perfect|nice|awesome|excellent|good|thanks?|thank you|lgtm|wow)"
    r"[,.!\s]+)*"
    r"(?:perfect|great|excellent|awesome|lgtm|love it|thanks|thank you|nice|well done|looks (?:good|great|right)"
    r"|(?:it|that|this) works|works (?:great|now|well|perfectly)|exactly(?: what i)?"
    r"|that'?s (?:it|right|exactly|perfect))\b",
    re.IGNORECASE,
)
BUT = re.compile(r"\b(?:but|however|except|although|though|still|one more thing)\b", re.IGNORECASE)


def of(text: str, of_change: bool = True) -> Word:
    """What a message says of the work before it; of an answer without a change, "it does not work" says nothing: it
    tells of the fault that is looked for."""
    opening = PASTED.sub(" ", text).strip()[:OPENING].replace("’", "'")
    if not opening:
        return "other"
    if asks(opening):
        return "other"
    if (of_change and tone(opening) == "complaint") or CORRECTING.search(opening):
        return "correction"
    if CONFIRMING.match(opening) and not BUT.search(first_of(opening)):
        return "confirmation"
    return "other"


def first_of(opening: str) -> str:
    """Its first sentence."""
    return re.split(r"(?<=[.!?])\s|\n", opening, maxsplit=1)[0].rstrip()


def asks(text: str) -> bool:
    """Whether it opens with a question."""
    first = first_of(text.strip())
    return first.endswith("?") and (bool(QUESTION.match(text)) or len(first.split()) <= SHORT)


def lesson(text: str) -> str:
    """The user's words as they may be kept: pastes left out, one paragraph."""
    return " ".join(PASTED.sub(" ", text).split())[:OPENING]
