"""Liked titles, the user as a vector, and a question about a title with its vector, after CoLLM (TKDE 2025).

In our own words. No labels, no keywords, no vectors of earlier items. Without vectors, as in CoLLM's first step, the
line with the user's vector is left out.

    Films that one viewer rated highly, oldest first:
    Babe (1995)
    What else is known of the viewer, as a vector: <user>
    Would the viewer like the next film? Begin with Yes or No.
    Fargo (1996)<item> |
"""

from __future__ import annotations

from thinkrec.prompts.answers import AnswerWords
from thinkrec.prompts.segments import EmptyHistory, History, Target, Text, UserVector
from thinkrec.prompts.template import Template
from thinkrec.prompts.templates.tallrec import QUESTION

COLLM = Template(
    segments=(
        Text("{Items} that one {user} rated highly, oldest first:\n"),
        History(before_label=None, with_keywords=False, liked_only=True, with_vectors=False),
        EmptyHistory("None so far.\n"),
        UserVector("What else is known of the {user}, as a vector:"),
        Text(QUESTION),
        Target(with_keywords=False),
    ),
    answers=AnswerWords((("Yes", "No"),)),
)
