"""The words of the usual prompt. They are ours, short, and take the domain's own nouns.

One line per earlier item, in the shape the target line has too, so that the place after the last bar always asks the
same question. Everything about the user, and the request, stands before everything about the target: all of it is
shared by the candidates of one user, and only the target line is not.

    Films rated by one viewer, oldest first: film | keywords | Yes if liked, No if not.
    Heat (1995) | Crime, Thriller | No
    Babe (1995) | Comedy, Drama | Yes
    The viewer as a vector: <user>
    For the next film begin with Yes or No, then say why.
    Fargo (1996) | Crime, Drama | <item> |

Where a reason is to be written, the target's own text may stand between its keywords and its vector, behind a bar too,
and lines may open with "liked: ", "disliked: " or "next: " (`PromptConfig.reason_sides`).
"""

from __future__ import annotations

from thinkrec.prompts.answers import AnswerWords
from thinkrec.prompts.segments import EmptyHistory, History, Target, Text, UserVector
from thinkrec.prompts.template import Template

HEADING = "{Items} rated by one {user}, oldest first: {item} | keywords | Yes if liked, No if not.\n"
EMPTY_HISTORY = "None so far; this {user} is new.\n"
REQUEST = "For the next {item} begin with Yes or No, then say why.\n"
BAR = " |"
NEWLINE = "\n"
SIDES = ("disliked: ", "liked: ")
NEXT = "next: "

RATINGS_TABLE = Template(
    segments=(
        Text(HEADING),
        History(before_label=BAR, after=NEWLINE, sides=SIDES),
        EmptyHistory(EMPTY_HISTORY),
        UserVector("The {user} as a vector:", after=NEWLINE),
        Text(REQUEST),
        Target(after=BAR, before_text=BAR, before_item=NEXT),
    ),
    answers=AnswerWords((("Yes", "No"),)),
)
RATINGS_TABLE_UNLABELLED = Template(
    segments=(
        Text("{Items} rated by one {user}, oldest first: {item} | keywords\n"),
        History(before_label=None, after=NEWLINE),
        EmptyHistory(EMPTY_HISTORY),
        UserVector("The {user} as a vector:", after=NEWLINE),
        Text(REQUEST),
        Target(after=BAR, before_text=BAR),
    ),
    answers=AnswerWords((("Yes", "No"),)),
)
"""The same without the labels: what they are worth."""
