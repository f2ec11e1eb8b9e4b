"""Names by which prose may cite an item: without the year, article first, in either language, without subtitle.

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
"""Pattern of the marks that `format_title_mark` writes."""
_APOSTROPHES = "'\u2018\u2019\u02bc`"


def format_title_mark(number: int) -> str:
    """The mark that stands in a text for the title of that number, so that readers of claims skip its words."""
    return f"\u27e6{number}\u27e7"


@lru_cache(maxsize=1 << 16)
def normalise_name(text: str) -> str:
    """The form in which names are compared: no case, accents, apostrophes or punctuation, "&" read as "and".

    >>> normalise_name("Schindler\u2019s  List") == normalise_name("schindler's list")
    True
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    plain = plain.translate({ord(c): None for c in _APOSTROPHES}).replace("&", " and ")
    plain = _INITIALS.sub(lambda match: match[0].replace(".", ""), plain)
    words = " ".join("".join(c if c.isalnum() else " " for c in plain).split())
    return words or " ".join(text.split())  # a title such as "..." is its own name


def strip_article(name: str) -> str:
    """A normal form without a leading English article."""
    return _ARTICLE.sub("", name)


def move_article_first(name: str) -> str:
    """A trailing article put in front: "Matrix, The" -> "The Matrix"."""
    match = _INVERTED.match(name)
    if not match:
        return name
    return match[2] + ("" if match[2].endswith("'") else " ") + match[1]


@lru_cache(maxsize=1 << 16)
def extract_title_names(title: str) -> tuple[str, ...]:
    """Full names of an item: first with the article in front and without the year, then names in brackets.

    >>> extract_title_names("Postino, Il (The Postman) (1994)")
    ('Il Postino', 'The Postman')
    """
    bare = _YEAR.sub("", title).strip()
    main = _BRACKET.sub("", bare).strip()
    names = [move_article_first(main)] if main else []
    names += [move_article_first(_ALIAS.sub("", alias.strip())) for alias in _BRACKET.findall(bare)]
    return tuple(dict.fromkeys(name for name in names if name)) or (title,)


def split_subtitle(name: str) -> tuple[str, str] | None:
    """Title and subtitle: the text before and behind the first colon or dash of a name; None without one.

    >>> split_subtitle("Star Trek III: The Search for Spock")
    ('Star Trek III', 'The Search for Spock')
    """
    halves = _CUT.split(name, maxsplit=1)
    before, after = (halves[0].strip(), halves[1].strip()) if len(halves) == 2 else ("", "")
    return (before, after) if before and after else None


def build_allowed_titles(titles: Sequence[str], *, taken: Collection[str] = ()) -> dict[str, list[int]]:
    """Spellings that name one of `titles`, each with the positions of the titles it names.

    Several positions occur only where titles are equal. Per title: its name with the article in front; the title as it
    stands without the year (what the rule-based teacher writes); and
    the part before a colon where no other title and none of the normal forms in `taken` (other items of the
    catalogue) is called so.
    """
    whole = [extract_title_names(title)[0] for title in titles]
    spoken = Counter(normalise_name(name) for name in dict.fromkeys(whole))
    short = Counter(normalise_name(cut[0]) for name in dict.fromkeys(whole) if (cut := split_subtitle(name)))
    positions: dict[str, list[int]] = {}
    for position, (title, name) in enumerate(zip(titles, whole, strict=True)):
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
            positions.setdefault(spelling, []).append(position)
    return positions
