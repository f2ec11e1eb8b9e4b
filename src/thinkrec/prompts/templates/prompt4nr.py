"""A cloze question about liked titles alone, after Prompt4NR (Zhang and Wang, SIGIR 2023), in our own words.

No labels, no keywords; the answer is one of several words, whose logits are pooled by class. The second template puts
trained vectors where the first has words, before the user's titles and before the target.

    Films that one viewer enjoyed, oldest first:
    Babe (1995)
    The next film is about to be rated.
    Fargo (1996). In the opinion of the viewer it is
"""

from __future__ import annotations

from thinkrec.prompts.answers import AnswerWords
from thinkrec.prompts.segments import EmptyHistory, History, SoftTokens, Target, Text, UserVector
from thinkrec.prompts.template import Template

_TITLES = History(before_label=None, with_keywords=False, liked_only=True)
_NO_TITLES = EmptyHistory("None so far.\n")
_USER = UserVector("The {user} as a vector:")
_CLOZE = Target(after=". In the opinion of the {user} it is", with_keywords=False)
_ANSWERS = AnswerWords(
    (("good", "bad"), ("great", "poor"), ("positive", "negative"), ("interesting", "boring"), ("perfect", "terrible"))
)

PROMPT4NR = Template(
    segments=(
        Text("{Items} that one {user} enjoyed, oldest first:\n"),
        _TITLES,
        _NO_TITLES,
        _USER,
        Text("The next {item} is about to be rated.\n"),
        _CLOZE,
    ),
    answers=_ANSWERS,
)
PROMPT4NR_SOFT = Template(
    segments=(SoftTokens(6), Text("\n"), _TITLES, _NO_TITLES, _USER, SoftTokens(6), Text("\n"), _CLOZE),
    answers=_ANSWERS,
)
