"""A second reader of plain reasons, for checking the package's own: regular expressions over whole sentences.

Written on its own: it shares no code and no word list with `thinkrec.evaluate.grounding`. It knows the sentence forms
below and says of any other sentence that it does not know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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
    for sentence in filter(None, re.split(r"(?<=[.!?]) ", plain)):
        yes = None if opening is None else opening[1] == "Yes"
        if not _SentenceChecker(sentence.rstrip(".!?"), row, words, yes, found).check():
            found.unknown.append(sentence)
    return found


@dataclass(frozen=True)
class _SentenceChecker:
    """One sentence beside the row it is about."""

    text: str
    row: Row
    words: Sequence[str]
    """All keywords, in lower case, the longest first."""
    yes: bool | None
    """The verdict that the text opens with."""
    found: Verdict

    @property
    def one(self) -> str:
        return "|".join(map(re.escape, self.words)) or "(?!)"

    def check(self) -> bool:
        """Whether the sentence is of a known form; what it says that does not hold goes to `found`."""
        for pattern, act in self._list_forms():
            if match := re.fullmatch(pattern, self.text, re.IGNORECASE):
                act(match)
                return True
        return not self.text

    def _has(self, group: str, keys: str | None, denied: bool = False) -> None:
        for letter in re.findall(r"<(\w)>", group):
            its = {word.lower() for word in self.row.keywords[letter]}
            for word in re.findall(rf"(?<!\w)(?:{self.one})(?!\w)", (keys or "").lower()):
                self.found.claims += 1
                if (word in its) == denied:
                    self.found.untrue.append(f"{self.row.titles[letter]} {'lacks' if denied else 'has'} {word}")

    def _felt(self, group: str | None, verb: str | None) -> None:
        for letter in re.findall(r"<(\w)>", group or ""):
            self.found.claims += 1
            if letter not in self.row.liked:
                self.found.untrue.append(f"{self.row.titles[letter]} was rated")
            elif self.row.liked[letter] == ((verb or "").lower() in BAD):
                self.found.untrue.append(f"{self.row.titles[letter]} was {(verb or '').lower()}")

    def _ends(self, good: bool) -> None:
        self.found.claims += 1
        if self.yes is not None and self.yes != good:
            text = f"the end is {'good' if good else 'bad'} after {'Yes' if self.yes else 'No'}"
            self.found.untrue.append(text)

    def _list_forms(self) -> list[tuple[str, Callable[[re.Match[str]], object]]]:
        """Sentence forms in the order in which they are tried, each with what is to be checked where it fits."""
        one, who, target = self.one, r"(?:This|The) \w+", f"<{self.row.target}>"
        k = rf"(?:(?:its |their |the |a |both |neither )?(?:{one})(?:(?:, and |, | and | or | nor | about )(?:{one}))*)"
        has, felt, ends = self._has, self._felt, self._ends
        return [
            (
                rf"(?:Against this, )?{who} {LIKES} ({G})(?:(?:, and|\.) (<\w>) (?:shares|brings|has) ({k})"
                rf"(?: in common)?(?: with ({G}))?)?",
                lambda m: (felt(m[2], m[1]), has((m[3] or "") + (m[5] or ""), m[4])),
            ),
            (
                rf"({G}) (?:also |both |each |all )?(?:shares?|brings?|has|have|offers?) ({k})(?: in common)?"
                rf"(?: with ({G}))?(?:,? (?:just )?as (?:in |with )?(?:does |do )?({G})(?: did)?)?"
                rf"(?:, and {who} {LIKES} ({G}))?",
                lambda m: (
                    has(m[1] + (m[3] or "") + (m[4] or ""), m[2], "neither " in m[2].lower()),
                    felt(m[6], m[5]),
                ),
            ),
            (
                rf"({G}) shares ({k}) with (<\w>) and ({k}) with (<\w>)",
                lambda m: (has(m[1] + m[3], m[2]), has(m[1] + m[5], m[4])),
            ),
            (
                rf"What stands out is ({k})(?:: {who} {LIKES} ({G}), and (<\w>) offers the same)?",
                lambda m: (has((m[3] or "") + (m[4] or target), m[1]), felt(m[3], m[2])),
            ),
            (
                rf"(<\w>) was {LIKES} (?:in spite of|despite) ({k})(?:, but it (?:lacks|is without) ({k}))?",
                lambda m: (felt(m[1], m[2]), has(m[1], m[3]), has(m[1], m[4], True)),
            ),
            (
                rf"Although (<\w>), with ({k}), was {LIKES}, it (?:is without|lacks) ({k})",
                lambda m: (felt(m[1], m[3]), has(m[1], m[2]), has(m[1], m[4], True)),
            ),
            (
                rf"(?:Against this, )?({G}) (?:was|were) {LIKES}(?:, (?:but it weighs less|yet the other evidence is "
                r"stronger))?",
                lambda m: felt(m[1], m[2]),
            ),
            (
                rf"({G}) (?:lacks?|is without|has no|does not have|doesn't bring|never brings|is not an?) ({k})"
                r"(?: film)?",
                lambda m: has(m[1], m[2], True),
            ),
            (rf"(<\w>) lacks ({k}) but has ({k})", lambda m: (has(m[1], m[2], True), has(m[1], m[3]))),
            (rf"Neither ({G}) (?:has|brings) ({k})", lambda m: has(m[1], m[2], True)),
            (rf"Both ({G}) (?:have|bring|share) ({k})", lambda m: has(m[1], m[2])),
            (rf"({G}) (?:is|are) (?:both |all )?({k})(?: films?)?", lambda m: has(m[1], m[2])),
            (rf"({k}) (?:runs? through|links?) ({G})", lambda m: has(m[2], m[1])),
            (rf"(<\w>) brings ({k}), which also runs through ({G})", lambda m: has(m[1] + m[3], m[2])),
            (
                rf"(Like|Unlike) ({G}), (<\w>) (?:brings|has) ({k})",
                lambda m: (has(m[3], m[4]), has(m[2], m[4], m[1].lower() == "unlike")),
            ),
            (rf"Like ({G}), it (?:brings|is) ({k})", lambda m: has(m[1] + target, m[2])),
            (
                r"(?:So )?(?:<\w>|it) (?:(?:should|would|will|is likely to|is likely to be) (please|disappoint|liked|"
                r"disliked)|(fits|does not suit) this \w+(?: well)?)",
                lambda m: ends((m[1] or m[2]).lower() in ("please", "liked", "fits")),
            ),
            (r"<\w> shares nothing with the rest, so the habit decides", lambda m: None),
            (
                r"This \w+ liked \d+ of the last \d+ \w+, and (?:the past as a whole decides|<\w> shares nothing with "
                r"the rest, so (?:the habit decides|the score goes by the past as a whole))",
                lambda m: None,
            ),
        ]
