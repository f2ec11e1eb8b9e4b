"""A cloze question about liked titles alone, after Prompt4NR (Zhang and Wang, SIGIR 2023), in our own words.

No labels, no keywords; the answer is one of several words, whose logits are pooled by class. The second template puts
trained vectors where the first has words, before the user's titles and before the target. The two others show what the
usual prompt shows: every earlier item with its keywords and its label, which is a word of the cloze itself.

    Films that one viewer enjoyed, oldest first:
    Babe (1995)
    The next film is about to be rated.
    Fargo (1996). In the opinion of the viewer it is

    Films that one viewer rated, oldest first:
    Babe (1995) | Comedy, Drama. In the opinion of the viewer it is great
    The next film is about to be rated.
    Fargo (1996) | Crime, Drama. In the opinion of the viewer it is
"""

from __future__ import annotations

from thinkrec.prompts.answers import AnswerWords
from thinkrec.prompts.segments import EmptyHistory, History, SoftTokens, Target, Text, UserVector
from thinkrec.prompts.template import Template

_TITLES = History(before_label=None, with_keywords=False, liked_only=True)
_NO_TITLES = EmptyHistory("None so far.\n")
_USER = UserVector("The {user} as a vector:")
_OPINION = ". In the opinion of the {user} it is"
_CLOZE = Target(after=_OPINION, with_keywords=False)
_RATED = History(before_label=_OPINION)
_RATED_CLOZE = Target(after=_OPINION)
_NEXT = Text("The next {item} is about to be rated.\n")
_ANSWERS = AnswerWords(
    (("good", "bad"), ("great", "poor"), ("positive", "negative"), ("interesting", "boring"), ("perfect", "terrible"))
)

PROMPT4NR = Template(
    segments=(
        Text("{Items} that one {user} enjoyed, oldest first:\n"),
        _TITLES,
        _NO_TITLES,
        _USER,
        _NEXT,
        _CLOZE,
    ),
    answers=_ANSWERS,
)
PROMPT4NR_SOFT = Template(
    segments=(SoftTokens(6), Text("\n"), _TITLES, _NO_TITLES, _USER, SoftTokens(6), Text("\n"), _CLOZE),
    answers=_ANSWERS,
)
PROMPT4NR_LABELLED = Template(
    segments=(
        Text("{Items} that one {user} rated, oldest first:\n"),
        _RATED,
        _NO_TITLES,
        _USER,
        _NEXT,
        _RATED_CLOZE,
    ),
    answers=_ANSWERS,
)
PROMPT4NR_SOFT_LABELLED = Template(
    segments=(SoftTokens(6), Text("\n"), _RATED, _NO_TITLES, _USER, SoftTokens(6), Text("\n"), _RATED_CLOZE),
    answers=_ANSWERS,
)
