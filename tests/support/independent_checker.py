"""A second reader of plain reasons, for checking the package's own: regular expressions over whole sentences.

Written on its own: it shares no code and no word list with `thinkrec.evaluate.grounding`. It knows the sentence forms
below and says of any other sentence that it does not know it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """What is known of a row: titles, the keywords of each, which were liked, and which is asked about."""

    titles: Mapping[str, str]
    """Letter (any single character) -> title as prose cites it, without the year."""
    keywords: Mapping[str, Sequence[str]]
    liked: Mapping[str, bool]
    """Of the rated ones."""
    target: str


@dataclass
class Verdict:
    """What was found in a text."""

    untrue: list[str] = field(default_factory=list)
    """What does not hold, in words."""
    unknown: list[str] = field(default_factory=list)
    """Sentences of another form."""
    claims: int = 0
    """Single claims that were checked."""


G = r"<\w>(?:(?:, and |, | and | nor )<\w>)*"
LIKES = r"(liked|enjoyed|disliked|turned down)"
BAD = ("disliked", "turned down")


def check(text: str, row: Row) -> Verdict:
    """Everything in a reason that does not hold."""
    found = Verdict()
    plain = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", "'").replace("\u201d", "'")
    plain = plain.replace('"', "'")
    for letter, title in sorted(row.titles.items(), key=lambda entry: -len(entry[1])):
        plain = plain.replace(f"'{title}'", f"<{letter}>").replace(f"'{title}s ", f"<{letter}>'s ")
        if " " in title:
            plain = re.sub(rf"(?<![\w'<]){re.escape(title)}(?![\w'])", f"<{letter}>", plain)
    words = sorted({word.lower() for its in row.keywords.values() for word in its}, key=len, reverse=True)
    opening = re.match(r"(Yes|No)(?=[.,:]|$)", plain)
    if opening:
        plain = plain[opening.end() :].lstrip(".,: ")
    plain = re.sub(r"\s+", " ", plain).strip()
    if plain and plain[-1] not in ".!?":
        found.untrue.append("it does not end")
    last = row.target
    for sentence in filter(None, re.split(r"(?<=[.!?]) ", plain)):
        if not _sentence(sentence.rstrip(".!?"), row, words, last, opening and opening[1] == "Yes", found):
            found.unknown.append(sentence)
        named = re.findall(r"<(\w)>", sentence)
        last = named[-1] if named else last
    return found


def _sentence(text: str, row: Row, words: list[str], last: str, yes: bool | None, found: Verdict) -> bool:
    one = "|".join(map(re.escape, words)) or "(?!)"
    k = rf"(?:(?:its |their |the |a |both |neither )?(?:{one})(?:(?:, and |, | and | or | nor | about )(?:{one}))*)"

    def has(group: str, keys: str, denied: bool = False) -> None:
        for letter in re.findall(r"<(\w)>", group):
            its = {word.lower() for word in row.keywords[letter]}
            for word in re.findall(rf"(?<!\w)(?:{one})(?!\w)", keys.lower()):
                found.claims += 1
                if (word in its) == denied:
                    found.untrue.append(f"{row.titles[letter]} {'lacks' if denied else 'has'} {word}")

    def felt(group: str, verb: str) -> None:
        for letter in re.findall(r"<(\w)>", group):
            found.claims += 1
            if letter not in row.liked:
                found.untrue.append(f"{row.titles[letter]} was rated")
            elif row.liked[letter] == (verb in BAD):
                found.untrue.append(f"{row.titles[letter]} was {verb}")

    def ends(good: bool) -> None:
        found.claims += 1
        if yes is not None and yes != good:
            found.untrue.append(f"the end is {'good' if good else 'bad'} after {'Yes' if yes else 'No'}")

    def run(pattern: str) -> re.Match[str] | None:
        return re.fullmatch(pattern, text, re.IGNORECASE)

    who = r"(?:This|The) \w+"
    if m := run(rf"(?:Against this, )?{who} {LIKES} ({G})(?:(?:, and|\.) (<\w>) (?:shares|brings|has) ({k})"
                rf"(?: in common)?(?: with ({G}))?)?"):  # fmt: skip
        felt(m[2], m[1].lower())
        if m[3]:
            has(m[3] + (m[5] or ""), m[4])
    elif m := run(rf"({G}) (?:also |both |each |all )?(?:shares?|brings?|has|have|offers?) ({k})(?: in common)?"
                  rf"(?: with ({G}))?(?:,? (?:just )?as (?:in |with )?(?:does |do )?({G})(?: did)?)?"
                  rf"(?:, and {who} {LIKES} ({G}))?"):  # fmt: skip
        denied = "neither " in m[2].lower()
        has(m[1] + (m[3] or "") + (m[4] or ""), m[2], denied)
        if m[5]:
            felt(m[6], m[5].lower())
    elif m := run(rf"({G}) shares ({k}) with (<\w>) and ({k}) with (<\w>)"):
        has(m[1] + m[3], m[2])
        has(m[1] + m[5], m[4])
    elif m := run(rf"What stands out is ({k})(?:: {who} {LIKES} ({G}), and (<\w>) offers the same)?"):
        has((m[3] or "") + (m[4] or f"<{row.target}>"), m[1])
        if m[2]:
            felt(m[3], m[2].lower())
    elif m := run(rf"(<\w>) was {LIKES} (?:in spite of|despite) ({k})(?:, but it (?:lacks|is without) ({k}))?"):
        felt(m[1], m[2].lower())
        has(m[1], m[3])
        has(m[1], m[4] or "", True)
    elif m := run(rf"Although (<\w>), with ({k}), was {LIKES}, it (?:is without|lacks) ({k})"):
        felt(m[1], m[3].lower())
        has(m[1], m[2])
        has(m[1], m[4], True)
    elif m := run(rf"(?:Against this, )?({G}) (?:was|were) {LIKES}(?:, (?:but it weighs less|yet the other evidence is "
                  r"stronger))?"):  # fmt: skip
        felt(m[1], m[2].lower())
    elif m := run(rf"({G}) (?:lacks?|is without|has no|does not have|doesn't bring|never brings|is not an?) ({k})"
                  r"(?: film)?"):  # fmt: skip
        has(m[1], m[2], True)
    elif m := run(rf"(<\w>) lacks ({k}) but has ({k})"):
        has(m[1], m[2], True)
        has(m[1], m[3])
    elif m := run(rf"Neither ({G}) (?:has|brings) ({k})"):
        has(m[1], m[2], True)
    elif (m := run(rf"Both ({G}) (?:have|bring|share) ({k})")) or (
        m := run(rf"({G}) (?:is|are) (?:both |all )?({k})(?: films?)?")
    ):
        has(m[1], m[2])
    elif m := run(rf"({k}) (?:runs? through|links?) ({G})"):
        has(m[2], m[1])
    elif m := run(rf"(<\w>) brings ({k}), which also runs through ({G})"):
        has(m[1] + m[3], m[2])
    elif m := run(rf"(Like|Unlike) ({G}), (<\w>) (?:brings|has) ({k})"):
        has(m[3], m[4])
        has(m[2], m[4], m[1].lower() == "unlike")
    elif m := run(rf"Like ({G}), it (?:brings|is) ({k})"):
        has(m[1] + f"<{row.target}>", m[2])
    elif m := run(r"(?:So )?(?:<\w>|it) (?:(?:should|would|will|is likely to|is likely to be) (please|disappoint|liked|"
                  r"disliked)|(fits|does not suit) this \w+(?: well)?)"):  # fmt: skip
        ends((m[1] or m[2]).lower() in ("please", "liked", "fits"))
    else:
        counted = (
            r"This \w+ liked \d+ of the last \d+ \w+, and (?:the past as a whole decides|<\w> shares nothing with the "
        )
        counted += r"rest, so (?:the habit decides|the score goes by the past as a whole))"
        return bool(run(r"<\w> shares nothing with the rest, so the habit decides") or run(counted)) or not text
    return True
