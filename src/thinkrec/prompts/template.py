"""The words of a prompt. They are ours, short, and take the domain's own nouns.

One line per earlier item, in the shape the target line has too, so that the place after the last bar always asks the
same question. Everything about the user, and the request, stands before everything about the target: all of it is
shared by the candidates of one user, and only the target line is not.

    Films rated by one viewer, oldest first: film | keywords | Yes if liked, No if not.
    Heat (1995) | Crime, Thriller | No
    Babe (1995) | Comedy, Drama | Yes
    The viewer as a vector: <user>
    For the next film begin with Yes or No, then say why.
    Fargo (1996) | Crime, Drama | <item> |
"""

from __future__ import annotations

from thinkrec.data.dataset import Domain

BAR = " |"
NEWLINE = "\n"


def format_heading(domain: Domain) -> str:
    """The first line: what the table holds."""
    items = domain.items[:1].upper() + domain.items[1:]
    return f"{items} rated by one {domain.user}, oldest first: {domain.item} | keywords | Yes if liked, No if not.\n"


def format_empty_history(domain: Domain) -> str:
    """Stands where the lines of a user without history would."""
    return f"None so far; this {domain.user} is new.\n"


def format_user_line(domain: Domain) -> str:
    """Stands before the user's vector."""
    return f"The {domain.user} as a vector:"


def format_request(domain: Domain) -> str:
    """The request; the target line follows."""
    return f"For the next {domain.item} begin with Yes or No, then say why.\n"


def format_item_entry(title: str, keywords: tuple[str, ...]) -> str:
    """An item's text up to the bar before its vector or its label."""
    return f"{title} | {', '.join(keywords)}" if keywords else title


def truncate_keywords(keywords: tuple[str, ...], most: int) -> tuple[str, ...]:
    """At most `most` keywords: the first ones and the last, since lists often end with an item's general standing."""
    if len(keywords) <= most:
        return keywords
    return (*keywords[: most - 1], keywords[-1]) if most > 0 else ()
