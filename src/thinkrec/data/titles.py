"""The names by which prose may cite an item: without the year, the right way round, in either language, cut short.

Catalogues write "Matrix, The (1999)" and "Postino, Il (The Postman) (1994)"; people write 'The Matrix' and
'The Postman'.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_BRACKET = re.compile(r"\s*\(([^()]*)\)")
_ALIAS = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
_ARTICLES = "The|A|An|Le|La|Les|L'|El|Los|Las|Il|Lo|Gli|Das|Der|Die|Det|Den|En|Un|Une|Una|Ein|Eine|O|Os"
_INVERTED = re.compile(rf"^(.+), ({_ARTICLES})$", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|a|an) (?=.)")
_CUT = re.compile(r":\s|\s[-\u2013\u2014]\s")
_INITIALS = re.compile(r"\b(?:\w\.){2,}")
MARK = re.compile("\u27e6(\\d+)\u27e7")
"""What `format_title_mark` writes."""
_APOSTROPHES = "'\u2018\u2019\u02bc`"


def format_title_mark(number: int) -> str:
    """Stands in a text for the title of that number, for readers that should not stumble over its words."""
    return f"\u27e6{number}\u27e7"


@lru_cache(maxsize=1 << 16)
def normalise_name(text: str) -> str:
    """The form in which names are compared: no case, accents, apostrophes or punctuation, "&" read as "and".

    >>> normalise_name("Schindler\u2019s  List") == normalise_name("schindler's list")
    True
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    plain = plain.translate({ord(c): None for c in _APOSTROPHES}).replace("&", " and ")
    plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), plain)
    words = " ".join("".join(c if c.isalnum() else " " for c in plain).split())
    return words or " ".join(text.split())  # a title such as "..." is its own name


def strip_article(name: str) -> str:
    """A normal form without a leading English article."""
    return _ARTICLE.sub("", name)


def move_article_first(name: str) -> str:
    """A trailing article put in front: "Matrix, The" -> "The Matrix"."""
    found = _INVERTED.match(name)
    if not found:
        return name
    return found[2] + ("" if found[2].endswith("'") else " ") + found[1]


@lru_cache(maxsize=1 << 16)
def extract_title_names(title: str) -> tuple[str, ...]:
    """Full names of an item, the one that prose would use first: upright and without year, then names in brackets.

    >>> extract_title_names("Postino, Il (The Postman) (1994)")
    ('Il Postino', 'The Postman')
    """
    bare = _YEAR.sub("", title).strip()
    main = _BRACKET.sub("", bare).strip()
    found = [move_article_first(main)] if main else []
    found += [move_article_first(_ALIAS.sub("", part.strip())) for part in _BRACKET.findall(bare)]
    return tuple(dict.fromkeys(name for name in found if name)) or (title,)


def split_subtitle(name: str) -> tuple[str, str] | None:
    """What stands before and behind the first colon or dash of a name, or None.

    >>> split_subtitle("Star Trek III: The Search for Spock")
    ('Star Trek III', 'The Search for Spock')
    """
    found = _CUT.split(name, maxsplit=1)
    before, after = (found[0].strip(), found[1].strip()) if len(found) == 2 else ("", "")
    return (before, after) if before and after else None


def build_allowed_titles(titles: Sequence[str], *, taken: Collection[str] = ()) -> dict[str, list[int]]:
    """Spellings that name one of `titles`, for a text that may cite nothing else, and the places of what they name:
    several only where titles are equal.

    Per title: its upright name; the title as it stands without the year (what the rule-based teacher writes); and
    the part before a colon where no other title and none of the normal forms in `taken` (other items of the
    catalogue) is called so.
    """
    whole = [extract_title_names(title)[0] for title in titles]
    spoken = Counter(normalise_name(name) for name in dict.fromkeys(whole))
    short = Counter(normalise_name(cut[0]) for name in dict.fromkeys(whole) if (cut := split_subtitle(name)))
    found: dict[str, list[int]] = {}
    for place, (title, name) in enumerate(zip(titles, whole, strict=True)):
        spellings = [name, _YEAR.sub("", title).strip()]
        cut = split_subtitle(name)
        if (
            cut
            and short[normalise_name(cut[0])] == 1
            and normalise_name(cut[0]) not in spoken
            and normalise_name(cut[0]) not in taken
        ):
            spellings.append(cut[0])
        for spelling in dict.fromkeys(filter(None, spellings)):
            found.setdefault(spelling, []).append(place)
    return found
