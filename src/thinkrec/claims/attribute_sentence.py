"""Parser of one sentence for its claims about attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from thinkrec.claims.attribute_words import SentenceToken

Subject = tuple[int | None, ...]
"""Citations of the text, counted from 0; None is the target, unnamed."""


class AttributeClaim(NamedTuple):
    """One attribute said of one title, or denied all of several at once."""

    attribute: str
    """In lower case."""
    is_negated: bool
    """Whether it is said to be missing; of several titles: from at least one."""
    title_keywords: tuple[frozenset[str], ...]
    """The keywords of each title."""
    start: int
    """Where the attribute stands in the text."""
    end: int
    complete_at: int
    """Where in the text the claim is complete: behind the attribute, or behind a title it is also said of."""
    is_known_keyword: bool
    """Whether it is a keyword of any item shown."""
    citations: Subject
    """The titles; one but for "'A' does not share K with 'B'"."""
    sentence_start: int
    """Where in the text the sentence begins."""
    is_single_title: bool = False
    """Whether it is said of one title by a verb such as "shares" or "brings", and no other title has been named yet."""

    @property
    def is_correct(self) -> bool:
        """Whether the claim holds; of an attribute that no item shown has it does not."""
        return (
            self.is_known_keyword and all(self.attribute in words for words in self.title_keywords) != self.is_negated
        )


_G = r"T(?:(?:,?[&|]|,|x)t?T)*"
_ITEM = r"[rI]?w{0,2}K+"
_REST = rf"(?:(?:,?[&|]|,)[tIN]*{_ITEM}|a[rIt]*{_ITEM}|[&|]w(?![wKT]))*"
_K = rf"(?:{_ITEM}|w(?![wK])){_REST}"
_LACKED = rf"(?:{_ITEM}|w){_REST}"
_NEG = r"(?P<neg>dn|D|n)?"


def _compile_form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("<G>", rf"(?P<g>{_G})").replace("<K>", rf"[tB]*(?P<k>{_K})"))


_FRONT = _compile_form(r"(?P<how>[LU]|A[oW]|cW)t*<G>,")
_STANDS = _compile_form(r"q<K>")
_SPITE_AHEAD = _compile_form(r"p<K>,")
_SAME = _compile_form(r"h(?P<same>S)")
_OWNS = _compile_form(r"<G>zw?<K>")
_ALSO = [
    _compile_form(r"Rd<G>"),
    _compile_form(r"[|N]d<G>"),
    _compile_form(r"(?<!A)<G>(?P<not>dn|D)(?=t*[,.&u])"),
    _compile_form(r"(?<!A)<G>d(?=t+|[,.])"),
]
_PARTNER = [
    _compile_form(r"c?Wt*<G>"),
    _compile_form(r",?t*A(?:d|o|W)t*<G>d?"),
    _compile_form(r",?t*A<G>(?:d|(?=\.))"),
    _compile_form(r",?t*(?P<how>[LU])t*<G>"),
    _compile_form(r",?H?t*b?t*j[tB]*<G>"),
    _compile_form(r"b_B?<G>[tB]*(?:s|hc)"),
    _compile_form(r"b?(?P<gone>X)o<G>"),
    _compile_form(r"b?oB?<G>"),
]
_MORE = _compile_form(r",?&<K>W<G>")
_VERB = [
    _compile_form(rf"t*{_NEG}[tB]*(?P<v>[hs])(?P<nei>[NM])?<K>"),
    _compile_form(rf"t*b?{_NEG}[tB]*(?P<v>l)[tB]*(?P<k>{_LACKED})"),
    _compile_form(rf"b{_NEG}(?P<v>)[tB]*(?P<k>{_ITEM}{_REST})"),
    _compile_form(rf"(?P<v>b?t*e?p)[tB]*(?P<k>{_LACKED})"),
    _compile_form(r"(?P<v>f)(?=I)<K>"),
    _compile_form(r"(?P<v>,?W)<K>"),
    _compile_form(r"u(?P<neg>n)(?P<v>)<K>"),
]
_OPENS = re.compile(rf"(?P<lead>,?)(?:c?W|t*A[doW]?|t*L)[tB]*(?:{_G}(?:,?[&|]|,|x))?")
"""What stands behind attributes when a title of which they are said as well is to come."""
_STANDS_IN = re.compile(rf"\.[r_wt]*e[tB]*(?:{_G}(?:,?[&|]|,|x))?")
"""The same behind "What stands out is K": those that were liked or disliked for it."""
_SLOT = re.compile(r"(?:(?P<q>q)|(?P<no>dn|D|n)?[tB]*(?P<h>[hs])[tB]*|(?P<l>b?l)[tB]*|p|(?<=T)W|(?<=T,)W)$")
"""What an attribute has to follow."""
_STRAY = re.compile(r"(?:[&|][rI]?|,[rI]?)[^TKhslbRNidnuWArIyH&|,.]")
_STRAY_TITLE = re.compile(r"[&|]T")
"""Behind a list of attributes: a word, or a title, in the place of another."""
_SURE = re.compile(r"t*b?(?:(?P<neg>dn|D|n)?[tB]*(?P<v>l)|(?P<p>e?p))(?P<k>[^T,.])")


class SentenceParser:
    """Reads the claims of one sentence from left to right by regular expressions over its letters.

    Each `_read_*` step returns the claims it reads at a position and the position behind them; the same position
    where it reads nothing.
    """

    def __init__(self, words: Sequence[SentenceToken], cited: int, before: Subject, strict: bool) -> None:
        """A parser of the tokens `words`.

        `cited`: citations of the text before this sentence; `before`: the subject that "it" refers to at its start;
        `strict`: any word behind "in spite of" and words for a lack is read as an attribute.
        """
        self.words, self.strict = words, strict
        self.code = "".join(word.kind for word in words)
        self.number = {position: cited + n for n, position in enumerate(m.start() for m in re.finditer("T", self.code))}
        self.before = before
        self.subject: Subject = ()
        self.group: Subject = ()
        self.objects: Subject = ()
        self.front: tuple[Subject, bool] = ((), False)
        self.listed: list[int] = []  # positions of the attributes said last
        self.listing: Subject = ()  # of whom
        self.denied = self.lexical = self.stands = False
        self.held = False  # attributes stand there whose title is still to come
        self.neither = False
        self.shared = False  # a verb such as "shares" has them, behind which a comma goes on with the list
        self.narrow = False  # the attributes stand behind "in spite of" or a word for a lack
        self.joint = False  # the attributes were denied to be shared; by whom is still to come

    def read_claims(self) -> Iterator[AttributeClaim]:
        """Yield the claims of the sentence in the order in which they are complete; once per parser."""
        start = 0
        while start < len(self.code):
            end, claims = start, list[AttributeClaim]()
            for step in (
                self._read_leading_phrase,
                self._read_further_titles,
                self._read_predicate,
                self._read_subject,
                self._read_leading_attributes,
            ):
                claims, end = step(start)
                if end > start:
                    break
            yield from claims
            start = max(end, start + 1)

    def find_pending_attributes(self) -> tuple[list[int], int] | None:
        """Attributes that a title cited next would be said to have too, and the position of the words that say so."""
        for _ in self.read_claims():
            pass
        if not self.listed or self.denied or self.joint:
            return None
        end = self.listed[-1] + 1
        match = _OPENS.fullmatch(self.code, end)
        if match is None and self.stands:
            match = _STANDS_IN.fullmatch(self.code, end)
            return (self.listed, len(self.code) - 1) if match else None
        if match is None:
            return None
        return self.listed, len(self.code) - 1 if "T" in match[0] else end + len(match["lead"])

    def find_expected_attribute(self) -> tuple[Subject, bool, list[int]] | None:
        """The attribute claim that the end of the sentence begins; None where no attribute has to follow.

        Returns (subject, whether it will be denied, positions of the attributes that the list holds already).
        """
        for _ in self.read_claims():
            pass
        goes_on = "&|," if self.shared else "&|"
        if self.listed and self.listed[-1] == len(self.code) - 2 and self.code[-1] in goes_on and not self.joint:
            return self.listing or self.subject, self.denied, self.listed
        match = _SLOT.search(self.code)
        if match is None or (match["h"] and self.stands) or not (self.subject or match["q"]):
            return None
        subject = (None,) if match["q"] else self.subject
        return subject, bool(match["l"]) != bool(match["no"]) or self.neither, []

    def _read_leading_phrase(self, start: int) -> tuple[list[AttributeClaim], int]:
        """Phrases before their title: "Like 'B', ...", "What stands out is K", "In spite of its K, ..."."""
        if match := _FRONT.match(self.code, start):
            self.front = self._get_matched_citations(match), match["how"] == "U"
            return [], match.end()
        if match := _STANDS.match(self.code, start):
            self.stands, self.shared, self.narrow = True, True, False
            return [
                claim._replace(is_single_title=True) for claim in self._build_list_claims(match, (None,), denied=False)
            ], match.end()
        if not self.subject and (match := _SPITE_AHEAD.match(self.code, start)):
            self._store_listed_attributes(match)
            self.held = True
            return [], match.end()
        return [], start

    def _read_further_titles(self, start: int) -> tuple[list[AttributeClaim], int]:
        """Titles of which the attributes said last are said as well."""
        if not self.listed:
            return [], start
        for form in _ALSO:
            if match := form.match(self.code, start):
                denied = self.denied != bool(match.groupdict().get("not"))
                if match.groupdict().get("not") and self.denied and not self.lexical:
                    denied = True  # "does not have K, and 'B' does not"
                return self._build_repeated_claims(self._get_matched_citations(match), denied, match.end()), match.end()
        if start == self.listed[-1] + 1:
            for form in _PARTNER:
                if match := form.match(self.code, start):
                    groups = match.groupdict()
                    denied = self.denied != bool(groups.get("how") == "U" or groups.get("gone"))
                    if self.joint:
                        return self._build_joint_claims(self._get_matched_citations(match), match.end()), match.end()
                    claims = self._build_repeated_claims(self._get_matched_citations(match), denied, match.end())
                    if more := _MORE.match(self.code, match.end()):
                        claims += self._build_list_claims(more, self.subject, denied=False)
                        claims += self._build_repeated_claims(self._get_matched_citations(more), False, more.end())
                        return claims, more.end()
                    return claims, match.end()
        return [], start

    def _read_predicate(self, start: int) -> tuple[list[AttributeClaim], int]:
        """A predicate with its attributes, said of the subject."""
        subject = self.subject
        if not subject:
            return [], start
        if (match := _SAME.match(self.code, start)) and self.listed:
            also = self.objects if self.stands else ()
            return self._build_repeated_claims((*subject, *also), self.denied, match.end()), match.end()
        for form in _VERB:
            if match := form.match(self.code, start):
                groups = match.groupdict()
                lacks = groups["v"] == "l"
                denied = lacks != bool(groups.get("neg")) or bool(groups.get("nei")) or self.neither
                self.lexical = lacks
                if groups["v"] == "s" and (groups.get("neg") or groups.get("nei")):
                    self._store_listed_attributes(match)
                    self.joint, self.denied = True, False
                    return [], match.end()
                claims = self._build_list_claims(match, subject, denied=denied)
                is_single_title = groups["v"] in ("h", "s") and len(subject) == 1 and not denied
                self.shared = groups["v"] == "s"
                self.narrow = lacks or groups["v"].endswith("p")
                return [one._replace(is_single_title=is_single_title) for one in claims], match.end()
        if self.strict and self.listed and start == self.listed[-1] + 1:
            for form in (_STRAY, _STRAY_TITLE) if self.narrow else (_STRAY,):
                if match := form.match(self.code, start):
                    word = self.words[match.end() - 1]
                    return [
                        self._build_claim(match.end() - 1, one, self.denied, word.end) for one in subject
                    ], match.end()
        if self.strict and (match := _SURE.match(self.code, start)):
            denied = match["v"] == "l" and not match["neg"]
            return self._build_list_claims(match, subject, denied=denied, as_one=True), match.end()
        return [], start

    def _read_subject(self, start: int) -> tuple[list[AttributeClaim], int]:
        """A new subject, or the object of a past verdict."""
        kind = self.code[start]
        if kind in "iy":
            self.subject = (self.group if kind == "y" else self.subject[-1:] or self.objects[-1:]) or self.before
            self.neither = False
            return self._assign_held_attributes(start + 1), start + 1
        if kind != "T":
            return [], start
        if match := _OWNS.match(self.code, start):
            self.subject = self._get_matched_citations(match)
            return self._build_list_claims(match, self.subject, denied=False), match.end()
        end = re.compile(_G).match(self.code, start).end()  # type: ignore[union-attr]
        positions = [position for position in range(start, end) if self.code[position] == "T"]
        opens = self.code[:start].rstrip("tBN")
        verb = re.compile(r"t*(?:dn|D|n|d)?[tB]*([hsbl])").match(self.code, end)
        lead = self.code[start - 1 : start]
        objects = opens.endswith("e")
        self.neither = lead == "N" and not objects
        if verb is None and objects:
            self.objects = self.group = self._get_citations(positions)
            self.subject = ()
            return [], end
        if len(positions) > 1 and verb is not None and "|" not in self.code[start:end]:
            word = self.words[verb.start(1)].text.split()[0]
            joint = self.code[positions[-2] + 1 : positions[-1]]
            is_singular = word in ("is", "was") or (word.endswith("s") and word != "was")
            if "&" in joint and (is_singular or (objects and joint == ",&")):
                self.objects = self._get_citations(positions[:-1]) if objects else self.objects
                positions = positions[-1:]
        self.subject = self.group = self._get_citations(positions)
        return self._assign_held_attributes(end), end

    def _assign_held_attributes(self, end: int) -> list[AttributeClaim]:
        """Claims of attributes that stood before the title that has just come."""
        if not self.held:
            return []
        self.held = False
        return self._build_repeated_claims(self.subject, False, end)

    def _read_leading_attributes(self, start: int) -> tuple[list[AttributeClaim], int]:
        """Attributes before the titles they belong to: "K runs through 'A' and 'B'"."""
        if self.code[start] == "K" and (match := re.compile(_K).match(self.code, start)):
            self.listed = [position for position in range(start, match.end()) if self.code[position] == "K"]
            self.denied = self.lexical = self.joint = False
            return [], self.listed[-1] + 1
        return [], start

    def _get_citations(self, positions: Sequence[int]) -> Subject:
        return tuple(self.number[position] for position in positions)

    def _get_matched_citations(self, match: re.Match[str]) -> Subject:
        return self._get_citations([position for position in range(*match.span("g")) if self.code[position] == "T"])

    def _store_listed_attributes(self, match: re.Match[str], as_one: bool = False) -> None:
        begin, end = match.span("k")
        offsets = [m.start() for m in re.finditer(r"K|w(?!w*K)", self.code[begin:end])]
        self.listed = [begin] if as_one else [begin + offset for offset in offsets]
        self.joint = False

    def _build_list_claims(
        self, match: re.Match[str], subject: Subject, *, denied: bool, as_one: bool = False
    ) -> list[AttributeClaim]:
        """A list of attributes, said of a subject and of the titles it was likened to."""
        self._store_listed_attributes(match, as_one)
        self.denied, self.listing = denied, subject
        (others, opposite), claims = self.front, list[AttributeClaim]()
        for position in self.listed:
            claims += [self._build_claim(position, title, denied, self.words[position].end) for title in subject]
            claims += [
                self._build_claim(position, title, denied != opposite, self.words[position].end) for title in others
            ]
        return claims

    def _build_repeated_claims(self, subject: Subject, denied: bool, end: int) -> list[AttributeClaim]:
        complete_at = self.words[end - 1].end
        return [
            self._build_claim(position, title, denied, complete_at) for position in self.listed for title in subject
        ]

    def _build_joint_claims(self, others: Subject, end: int) -> list[AttributeClaim]:
        complete_at, titles = self.words[end - 1].end, (*self.subject, *others)
        return [self._build_claim(position, titles, True, complete_at) for position in self.listed]

    def _build_claim(
        self, position: int, titles: int | Subject | None, denied: bool, complete_at: int
    ) -> AttributeClaim:
        word = self.words[position]
        citations = titles if isinstance(titles, tuple) else (titles,)
        return AttributeClaim(word.text, denied, (), word.start, word.end, complete_at, False, citations, 0)
