"""What a user's last words say of the work: a small lexicon of praise and complaint in a few languages.

Low confidence by nature: irony and politeness are not understood. Long messages are new tasks, so
only the first sentences are read. Complaint wins over praise ("thanks, but it still fails"). A bare "no" is no
complaint: it mostly answers a question of the agent."""

import re
from typing import Literal

from bashgym.signals import tongues

Tone = Literal["praise", "complaint", "neutral"]

FIRST = 200  # characters that are read
LONGEST_WORDS = 4000  # of an agent's last message
COMPLAINT = re.compile(
    r"""\b(?:
      (?:that|this|it)(?:'s|\ is|\ was)?\ (?:still\ |just\ |totally\ |completely\ )?
        (?:wrong|broken|incorrect|not\ right|worse)
      | (?:does|did|do|is|are|was)(?:\ not|n't|nt)\ (?:even\ )?
        (?:work|working|what\ i|compile|build|run|help|fix|correct|right)
      | (?:it|that|this|he|she)\ still\ (?:does|is|do|wo|ca)(?:\ not|n't|nt) | nothing\ (?:happens|changed|works)
      | still\ (?:fails?|failing|broken|wrong|not|crash\w*|the\ same|see(?:ing)?\ (?:the|an?)\ (?:same\ )?(?:error|bug))
      | not\ what\ i\ (?:asked|wanted|meant|said) | i\ (?:asked|told\ you|said)\b(?!\ (?:yes|ok))
      | (?:that|this)(?:'s|\ is)\ not\b | not\ usable | unusable | unacceptable
      | (?:revert|undo|roll\ ?back|throw\ away|scrap|discard)\ (?:that|this|it|all|everything|your|the|those|these|last)
      | you\ (?:broke|ruined|messed|deleted|misunderstood|forgot|ignored)
      | (?:makes?|made)\ no\ sense | useless | terrible | horrible | awful | nonsense | wtf
      | i(?:'ll|\ will)\ (?:just\ )?(?:do|fix|handle|finish)\ (?:it|this|that)\ (?:my|our)self
      | stop\ (?:it|that|doing|this) | (?:i\ )?(?:don't|do\ not)\ (?:want|like)\ (?:this|that|it)
    )\b | ^\s*no,?\ (?:that|this|it)\b
      | ^\s*no[,.:]\ (?:[\w']+,?\ ){0,4}?(?:not|instead|but)\b | ^\s*no!|^\s*(?:stop|wrong)\b\s*(?:[,.!;:-]|$)""",
    re.IGNORECASE | re.VERBOSE,
)
PRAISE = re.compile(
    r"""(?<!not\ )(?<!n't\ )\b(?:
      thanks | thank\ you | thx | perfect | great | awesome | excellent | amazing | brilliant | beautiful | wonderful
      | lovely | nice(?:ly)?(?:\ (?:work|job|one|done))? | well\ done | good\ (?:job|work|stuff) | nailed\ it | lgtm
      | that\ did\ it | (?:is|it's)\ gone\ now | all\ good
      | love\ (?:it|this|that) | ship\ it | looks\ (?:good|great|right|perfect) | (?:it|that|this|now|all)\ works
      | works\ (?:now|great|well|perfectly) | (?:that|it)(?:'s|\ is)\ (?:right|correct|what\ i\ (?:wanted|needed))
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
# what an agent says at the end of what it leaves undone
ADMISSION = re.compile(
    r"""\b(?:
      i\ (?:did\ not|didn't|have\ not|haven't)\ (?:yet\ )?
        (?:get\ to|got\ to|writ(?:e|ten)|add(?:ed)?|implement(?:ed)?|finish(?:ed)?|do(?:ne)?|cover(?:ed)?)
      | (?:could\ not|couldn't|was\ not\ able\ to|wasn't\ able\ to|unable\ to)\ 
        (?:get|finish|complete|fix|make|solve|figure|implement)
      | nothing\ (?:is|was|has\ been)\ changed | (?:did\ not|didn't|could\ not|couldn't)\ (?:find|solve)
      | (?:is|are|remains?|was)\ (?:still\ )?
        (?:not\ (?:yet\ )?(?:implemented|finished|done|covered|working)
          |unfinished|undone|incomplete|left\ (?:open|undone|for\ later))
      | (?:it|that|this|he|she)\ still\ (?:does|is|do|wo|ca)(?:\ not|n't|nt) | nothing\ (?:happens|works)
      | still\ (?:fails?|failing|red|broken|missing|to\ do|open)(?!\ (?:when|if|as|where|on\ purpose))
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


def admits(text: str) -> bool:
    """Whether an agent's last words say that a part is not done."""
    plain = text[:LONGEST_WORDS].replace("’", "'")
    return bool(ADMISSION.search(plain) or tongues.ADMISSION.search(plain))


def tone(text: str) -> Tone:
    """The tone of one human message."""
    opening = text.strip()[:FIRST].replace("’", "'")
    if COMPLAINT.search(opening) or tongues.COMPLAINT.search(opening):
        return "complaint"
    return "praise" if PRAISE.search(opening) or tongues.PRAISE.search(opening) else "neutral"
