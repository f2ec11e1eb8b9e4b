"""Two lists of titles, liked and disliked, and a Yes-or-No question, after TALLRec (Bao et al., RecSys 2023).

In our own words; text only as published. The second template also names keywords and has places for vectors.

    Films that one viewer liked, oldest first:
    Babe (1995)
    Films that this viewer did not like, oldest first:
    Heat (1995)
    Would the viewer like the next film? Begin with Yes or No.
    Fargo (1996) |
"""

from __future__ import annotations

from thinkrec.prompts.answers import AnswerWords
from thinkrec.prompts.segments import EmptyHistory, Target, Text, UserVector
from thinkrec.prompts.template import Template
from thinkrec.prompts.two_lists import TwoLists

LIKED = "{Items} that one {user} liked, oldest first:\n"
DISLIKED = "{Items} that this {user} did not like, oldest first:\n"
QUESTION = "Would the {user} like the next {item}? Begin with Yes or No.\n"


def _build_template(with_keywords: bool) -> Template:
    return Template(
        segments=(
            TwoLists(liked_heading=LIKED, disliked_heading=DISLIKED, with_keywords=with_keywords),
            EmptyHistory("No {items} so far; this {user} is new.\n"),
            UserVector("The {user} as a vector:"),
            Text(QUESTION),
            Target(with_keywords=with_keywords),
        ),
        answers=AnswerWords((("Yes", "No"),)),
    )


TALLREC = _build_template(with_keywords=False)
TALLREC_KEYWORDS = _build_template(with_keywords=True)
