"""Verdict at the head of an answer, refusals, and reasoning split from the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from thinkrec.claims import marks
from thinkrec.data.titles import extract_title_names, normalise_name

# Marks that may stand before the first word: white space, markdown, quotation marks, brackets, dashes.
_FIRST = re.compile(r"""[\s*_#>`~"'“”„‘’«»()\[\]–—-]*(yes|no)(?!['’_–-]?[^\W_])""", re.IGNORECASE)
# What makes the first word no verdict: both named at once, a phrase that only begins like one, "No. 1".
_BOTH = re.compile(r"\s*(?:/|\||,?\s*\b(?:or|and)\b)\s*[*_`\"']*(?:yes|no)\b", re.IGNORECASE)
_PHRASE = re.compile(r"\s+(?:doubt|idea|one|matter|wonder|opinion|verdict|clear)\b|\.?\s?\d{1,2}\b", re.IGNORECASE)
_CLOSING = r"""[*_`~"'”’»)\]]*"""
# A verdict is followed by a mark, a new line or the end: "No Country for Old Men fits" is none.
_STOP = re.compile(r"""[*_`~"'”’»)\]]+|\s*[.,:;!…–—]|\s+-+(?=\s)|[^\S\n]*(?:\n|$)""")
_AFTER = re.compile(rf"{_CLOSING}[.,:;!…]*(?:{_CLOSING}(?!\w))?\s*[–—-]*\s*")

IN_WORDS = "in words"
"""Name of the refusal that is the whole answer."""
_DECLINES = re.compile(
    r"""\W*(?:(?:i['’]m|i\s+am)?\s*(?:very\s+|so\s+)?(?:sorry|afraid)|i\s+apologi[sz]e|apologies|unfortunately)?[\s,.!—–-]*
    (?:but\s+|that\s+)?(?:i|we)(?:\s+can(?:['’]t|not|\s+not)|['’]m\s+(?:unable|not\s+able)\s+to|\s+am\s+(?:unable|not\s+able)\s+to
    |\s+won['’]t|\s+must\s+decline\s+to)\s+(?:assist|help|comply|fulfil+|engage|continue|discuss|provide|answer|respond|do\s+that
    |process|complete|support|participate)\b""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class ParsedAnswer:
    """A verdict and the prose after it."""

    verdict: bool | None
    """True for Yes, False for No, None where the text does not open with either."""
    prose: str
    """What follows the verdict; the whole text where there is none."""


def parse_answer(text: str, titles: Iterable[str] = ()) -> ParsedAnswer:
    """The verdict that a text opens with, and the rest.

    The first word has to be Yes or No as a word of its own, in any case, maybe in markdown or quotation marks, and a
    punctuation mark, a new line or the end has to follow. `titles`: those of the row, whose names are no verdicts.

    >>> parse_answer("**Yes.** It shares the sea with 'Tide'.")
    ParsedAnswer(verdict=True, prose="It shares the sea with 'Tide'.")
    >>> [parse_answer(text).verdict for text in ("No", "Not sure", "Novel", "Yesterday", "Yes or no?", "No end", "")]
    [False, None, None, None, None, None, None]
    >>> text = "Yes, Madam was disliked."
    >>> parse_answer(text).verdict, parse_answer(text, ["Yes, Madam (1985)"]).verdict
    (True, None)
    """
    match = _FIRST.match(text)
    if match is None or not _STOP.match(text, match.end()) or _has_title_at_start(text, match, titles):
        return ParsedAnswer(None, text.strip())
    rest = text[match.end() :]
    no = match.group(1).lower() == "no"
    if _BOTH.match(rest) or (no and _PHRASE.match(rest)):
        return ParsedAnswer(None, text.strip())
    return ParsedAnswer(not no, _AFTER.sub("", rest, count=1).strip())


def _has_title_at_start(text: str, match: re.Match[str], titles: Iterable[str]) -> bool:
    """Whether the word that would be a verdict begins the name of a title, or is one in quotation marks."""
    first = match.group(1).casefold()
    for name in {name for title in titles for name in extract_title_names(title) if name.casefold().startswith(first)}:
        end = match.start(1) + len(name)
        if text[match.start(1) : end].casefold() != name.casefold() or text[end : end + 1].isalnum():
            continue
        quoted = text[: match.start(1)].endswith(("'", '"', "‘", "“", "«"))
        if normalise_name(name) != first or (quoted and re.match(r"""['"’”»]\s+\w""", text[end:])):
            return True
    return False


def parse_verdict(text: str, titles: Iterable[str] = ()) -> bool | None:
    """True for Yes, False for No, None for neither; see `parse_answer`."""
    return parse_answer(text, titles).verdict


def format_verdict(opinion: bool) -> str:
    """The verdict as it opens a reason: Yes or No."""
    return "Yes" if opinion else "No"


def is_refusal(text: str) -> bool:
    """Whether a text declines to answer, in the words that models have for it in English; "Not sure" does not.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("I am sorry, but the list says little.")
    (True, False)
    """
    return _DECLINES.match(text) is not None


def split_reasoning(content: str, field: str = "") -> tuple[str, str]:
    """Answer and reasoning of a reply.

    Reasoning comes from a field of its own and from what stands between marks in the content; see `marks` for those
    that are known. A part that was opened and not closed goes to the end (the reply was cut off while thinking); one
    that was closed and not opened begins at the start (the server opened it inside the prompt).

    >>> split_reasoning("[THINK]close call[/THINK]No. It lacks the sea.")
    ('No. It lacks the sea.', 'close call')
    >>> split_reasoning("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.")
    ('Yes.', 'hm')
    """
    text = marks.insert_think_tags(content)
    thoughts, answer, position, inside = [field], [], 0, False
    boundaries = [(m.start(), m.end(), True) for m in marks.OPEN.finditer(text)]
    boundaries += [(m.start(), m.end(), False) for m in marks.CLOSE.finditer(text)]
    for start, end, opens in sorted(boundaries):
        piece = text[position:start]
        if inside:
            thoughts.append(piece)
        elif opens:
            answer.append(piece)
        else:
            thoughts += [*answer, piece]
            answer = []
        position, inside = end, opens
    (thoughts if inside else answer).append(text[position:])
    stripped = [marks.strip_answer_wrapping(thought) for thought in thoughts]
    return marks.strip_answer_wrapping("".join(answer)), "\n\n".join(thought for thought in stripped if thought)
