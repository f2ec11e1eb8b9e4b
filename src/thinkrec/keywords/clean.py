"""Cleaning of extracted phrases to keywords: no HTML, no stop words, no repeats, in their order."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from thinkrec.data.columns import KEYWORD_LIMIT, clean_line

_MARKUP = re.compile(r"<!--.*?-->|<(script|style)\b[^>]*>.*?</\1\s*>|</?[a-zA-Z][^<>]*>|<![a-zA-Z][^<>]*>", re.S | re.I)
# A bar or a comma inside a keyword would cut it in two when it is read back from a CSV file.
_CUTS = re.compile(r"[|,;\t\r\n]+")
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s?(?=\s|$)")


def split_words(text: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(text.split())


STOP_WORDS = split_words("""
    a about above after again against all almost along already also although always am among an and another any
    anyone anything are around as at away be because become becomes been before behind being below between both
    but by can cannot could did do does doing done down during each either else enough etc even ever every
    everyone everything few for from further get gets got had has have having he her here hers herself him
    himself his how however i if in including into is it its itself just least less like many may me might more
    most much must my myself neither never no nobody none nor not nothing now of off often on once one ones only
    onto or other others otherwise our ours ourselves out over own per perhaps quite rather same several shall
    she should since so some someone something sometimes somewhat soon still such than that the their theirs
    them themselves then there these they this those though through throughout thus to together too toward
    towards under until up upon us very via was we were what when whenever where whether which while who whom
    whose why will with within without would yet you your yours yourself
    """)
"""Words that carry no meaning of their own in English."""


def get_stop_words(language: str) -> frozenset[str]:
    """The stop words that are cleaned away; only English ones are known here, other languages have none."""
    return STOP_WORDS if language == "en" else frozenset()


def strip_html(text: str | None) -> str:
    """A text without HTML: tags, comments, scripts and styles become a space, entities their characters.

    >>> strip_html("A <b>slow</b> burn &amp; a twist<br/>")
    'A slow burn & a twist'
    >>> strip_html("5 < 7 and 7 > 5")
    '5 < 7 and 7 > 5'
    """
    # Entities last: "&lt;b&gt;" is text about a tag, not a tag.
    lines = html.unescape(_MARKUP.sub(" ", text or "")).replace("\xa0", " ").splitlines()
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def clean_phrase(phrase: str, language: str = "en") -> str:
    """One keyword as it will stand in a prompt: no markup, no stop words or punctuation at the ends; may be empty.

    >>> clean_phrase("<i>the act of charity</i>, and")
    'act of charity'
    >>> clean_phrase("1984")
    ''
    """
    text = _clean_phrase_once(phrase, language)
    # What one step takes away can lay bare what another step would: "B ' 0" -> "B  0" -> "B 0".
    while (again := _clean_phrase_once(text, language)) != text:
        text = again
    return text


def _clean_phrase_once(phrase: str, language: str) -> str:
    line = clean_line(_CUTS.sub(" ", strip_html(phrase)), KEYWORD_LIMIT)
    words, stop = line.split(), get_stop_words(language)
    while words and _is_empty(words[0], stop):
        words.pop(0)
    while words and _is_empty(words[-1], stop):
        words.pop()
    text = _POSSESSIVE.sub("", " ".join(words).strip(" \t.:!?\"'“”‘’()[]{}<>*•·–—-_/\\"))
    # Years and other bare numbers say nothing about taste, a single Latin letter neither.
    telling = any(character.isalpha() for character in text) and not (len(text) == 1 and text.isascii())
    return text if telling else ""


def clean_phrases(
    phrases: Iterable[str], *, max_keywords: int, keep: Sequence[str] = (), title: str = "", language: str = "en"
) -> tuple[str, ...]:
    """Keywords `keep` as they are, then the cleaned `phrases`, `max_keywords` in all (those of `keep` all stay).

    A phrase that only repeats the title is left out, and one where an earlier one is the same but for case, plural or
    hyphens, or has all its words:

    >>> clean_phrases(["Ghost towns", "ghost town", "Clint Eastwood", "Eastwood", "the", "a heist"], max_keywords=10)
    ('Ghost towns', 'Clint Eastwood', 'heist')
    >>> clean_phrases(["comedy", "fathers"], max_keywords=3, keep=("Comedy", "Drama"))
    ('Comedy', 'Drama', 'fathers')
    """
    keywords = list(dict.fromkeys(keep))
    seen = [normalise_words(phrase) for phrase in (title, *keywords)]
    for raw in phrases:
        if len(keywords) >= max_keywords:
            break
        phrase = clean_phrase(raw, language)
        words = normalise_words(phrase)
        if not words or any(words <= earlier for earlier in seen):
            continue
        keywords.append(phrase)
        seen.append(words)
    return tuple(keywords)


def normalise_words(phrase: str) -> frozenset[str]:
    """The words of a phrase without case, hyphens and plural: equal for two phrases that say the same."""
    return frozenset(singularise_word(word) for word in _WORD.findall(_POSSESSIVE.sub("", phrase.casefold())))


def singularise_word(word: str) -> str:
    """An English plural's singular, by its ending; other words mostly stay. Good for comparing, not for printing.

    >>> [singularise_word(word) for word in ("stories", "boxes", "heroes", "loss", "chess", "series", "movies")]
    ['story', 'box', 'hero', 'loss', 'chess', 'series', 'movie']
    """
    if word in ("series", "species", "news") or len(word) < 4:
        return word
    if word in ("movies", "zombies", "cookies", "rookies", "calories", "pixies", "brownies"):
        return word[:-1]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zzes", "ches", "shes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _is_empty(word: str, stop: frozenset[str]) -> bool:
    bare = word.strip(".:!?\"'“”‘’()[]{}<>*•·–—-_/\\").casefold()
    return not bare or bare in stop
