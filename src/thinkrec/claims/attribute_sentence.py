"""One sentence, read for what it says of attributes."""

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
        """Whether it is so; what nobody has is not so."""
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
    """Reads one sentence."""

    def __init__(self, words: Sequence[SentenceToken], cited: int, before: Subject, strict: bool) -> None:
        self.words, self.strict = words, strict
        self.code = "".join(word.kind for word in words)
        self.number = {place: cited + n for n, place in enumerate(m.start() for m in re.finditer("T", self.code))}
        self.before = before
        self.subject: Subject = ()
        self.group: Subject = ()
        self.objects: Subject = ()
        self.front: tuple[Subject, bool] = ((), False)
        self.listed: list[int] = []  # places of the attributes said last
        self.listing: Subject = ()  # of whom
        self.denied = self.lexical = self.stands = False
        self.held = False  # attributes stand there whose title is still to come
        self.neither = False
        self.shared = False  # a verb such as "shares" has them, behind which a comma goes on with the list
        self.narrow = False  # the attributes stand behind "in spite of" or a word for a lack
        self.joint = False  # the attributes were denied to be shared; by whom is still to come

    def read_claims(self) -> Iterator[AttributeClaim]:
        at = 0
        while at < len(self.code):
            ahead, found = at, list[AttributeClaim]()
            for step in (
                self._read_leading_phrase,
                self._read_further_titles,
                self._read_predicate,
                self._read_subject,
                self._read_leading_attributes,
            ):
                found, ahead = step(at)
                if ahead > at:
                    break
            yield from found
            at = max(ahead, at + 1)

    def find_pending_attributes(self) -> tuple[list[int], int] | None:
        """The attributes that a title cited next would be said to have too, and the place of the words that say so."""
        for _ in self.read_claims():
            pass
        if not self.listed or self.denied or self.joint:
            return None
        behind = self.listed[-1] + 1
        found = _OPENS.fullmatch(self.code, behind)
        if found is None and self.stands:
            found = _STANDS_IN.fullmatch(self.code, behind)
            return (self.listed, len(self.code) - 1) if found else None
        if found is None:
            return None
        return self.listed, len(self.code) - 1 if "T" in found[0] else behind + len(found["lead"])

    def find_expected_attribute(self) -> tuple[Subject, bool, list[int]] | None:
        """Where the sentence ends with words behind which an attribute has to stand: of whom it will be said, whether
        it will be denied, and what the list holds already.
        """
        for _ in self.read_claims():
            pass
        goes_on = "&|," if self.shared else "&|"
        if self.listed and self.listed[-1] == len(self.code) - 2 and self.code[-1] in goes_on and not self.joint:
            return self.listing or self.subject, self.denied, self.listed
        found = _SLOT.search(self.code)
        if found is None or (found["h"] and self.stands) or not (self.subject or found["q"]):
            return None
        subject = (None,) if found["q"] else self.subject
        return subject, bool(found["l"]) != bool(found["no"]) or self.neither, []

    # Each step gives what it reads at a place, and the place behind it; the same place where it reads nothing.

    def _read_leading_phrase(self, at: int) -> tuple[list[AttributeClaim], int]:
        """What stands before its title: "Like 'B', ...", "What stands out is K", "In spite of its K, ..."."""
        if found := _FRONT.match(self.code, at):
            self.front = self._get_matched_citations(found), found["how"] == "U"
            return [], found.end()
        if found := _STANDS.match(self.code, at):
            self.stands, self.shared, self.narrow = True, True, False
            return [
                one._replace(is_single_title=True) for one in self._build_list_claims(found, (None,), denied=False)
            ], found.end()
        if not self.subject and (found := _SPITE_AHEAD.match(self.code, at)):
            self._store_listed_attributes(found)
            self.held = True
            return [], found.end()
        return [], at

    def _read_further_titles(self, at: int) -> tuple[list[AttributeClaim], int]:
        """Titles of which the attributes said last are said as well."""
        if not self.listed:
            return [], at
        for form in _ALSO:
            if found := form.match(self.code, at):
                denied = self.denied != bool(found.groupdict().get("not"))
                if found.groupdict().get("not") and self.denied and not self.lexical:
                    denied = True  # "does not have K, and 'B' does not"
                return self._build_repeated_claims(self._get_matched_citations(found), denied, found.end()), found.end()
        if at == self.listed[-1] + 1:
            for form in _PARTNER:
                if found := form.match(self.code, at):
                    parts = found.groupdict()
                    denied = self.denied != bool(parts.get("how") == "U" or parts.get("gone"))
                    if self.joint:
                        return self._build_joint_claims(self._get_matched_citations(found), found.end()), found.end()
                    said = self._build_repeated_claims(self._get_matched_citations(found), denied, found.end())
                    if more := _MORE.match(self.code, found.end()):
                        said += self._build_list_claims(more, self.subject, denied=False)
                        said += self._build_repeated_claims(self._get_matched_citations(more), False, more.end())
                        return said, more.end()
                    return said, found.end()
        return [], at

    def _read_predicate(self, at: int) -> tuple[list[AttributeClaim], int]:
        """What is said of the subject."""
        subject = self.subject
        if not subject:
            return [], at
        if (found := _SAME.match(self.code, at)) and self.listed:
            also = self.objects if self.stands else ()
            return self._build_repeated_claims((*subject, *also), self.denied, found.end()), found.end()
        for form in _VERB:
            if found := form.match(self.code, at):
                parts = found.groupdict()
                lacks = parts["v"] == "l"
                denied = lacks != bool(parts.get("neg")) or bool(parts.get("nei")) or self.neither
                self.lexical = lacks
                if parts["v"] == "s" and (parts.get("neg") or parts.get("nei")):
                    self._store_listed_attributes(found)
                    self.joint, self.denied = True, False
                    return [], found.end()
                said = self._build_list_claims(found, subject, denied=denied)
                alone = parts["v"] in ("h", "s") and len(subject) == 1 and not denied
                self.shared = parts["v"] == "s"
                self.narrow = lacks or parts["v"].endswith("p")
                return [one._replace(is_single_title=alone) for one in said], found.end()
        if self.strict and self.listed and at == self.listed[-1] + 1:
            for form in (_STRAY, _STRAY_TITLE) if self.narrow else (_STRAY,):
                if found := form.match(self.code, at):
                    word = self.words[found.end() - 1]
                    return [
                        self._build_claim(found.end() - 1, one, self.denied, word.end) for one in subject
                    ], found.end()
        if self.strict and (found := _SURE.match(self.code, at)):
            denied = found["v"] == "l" and not found["neg"]
            return self._build_list_claims(found, subject, denied=denied, every=True), found.end()
        return [], at

    def _read_subject(self, at: int) -> tuple[list[AttributeClaim], int]:
        """A new subject, or the object of a past verdict."""
        kind = self.code[at]
        if kind in "iy":
            self.subject = (self.group if kind == "y" else self.subject[-1:] or self.objects[-1:]) or self.before
            self.neither = False
            return self._assign_held_attributes(at + 1), at + 1
        if kind != "T":
            return [], at
        if found := _OWNS.match(self.code, at):
            self.subject = self._get_matched_citations(found)
            return self._build_list_claims(found, self.subject, denied=False), found.end()
        end = re.compile(_G).match(self.code, at).end()  # type: ignore[union-attr]
        places = [place for place in range(at, end) if self.code[place] == "T"]
        opens = self.code[:at].rstrip("tBN")
        verb = re.compile(r"t*(?:dn|D|n|d)?[tB]*([hsbl])").match(self.code, end)
        lead = self.code[at - 1 : at]
        objects = opens.endswith("e")
        self.neither = lead == "N" and not objects
        if verb is None and objects:
            self.objects = self.group = self._get_citations(places)
            self.subject = ()
            return [], end
        if len(places) > 1 and verb is not None and "|" not in self.code[at:end]:
            word = self.words[verb.start(1)].text.split()[0]
            joint = self.code[places[-2] + 1 : places[-1]]
            alone = word in ("is", "was") or (word.endswith("s") and word != "was")
            if "&" in joint and (alone or (objects and joint == ",&")):
                self.objects = self._get_citations(places[:-1]) if objects else self.objects
                places = places[-1:]
        self.subject = self.group = self._get_citations(places)
        return self._assign_held_attributes(end), end

    def _assign_held_attributes(self, end: int) -> list[AttributeClaim]:
        """What was held back for the title that has just come."""
        if not self.held:
            return []
        self.held = False
        return self._build_repeated_claims(self.subject, False, end)

    def _read_leading_attributes(self, at: int) -> tuple[list[AttributeClaim], int]:
        """Attributes before the titles they belong to: "K runs through 'A' and 'B'"."""
        if self.code[at] == "K" and (found := re.compile(_K).match(self.code, at)):
            self.listed = [place for place in range(at, found.end()) if self.code[place] == "K"]
            self.denied = self.lexical = self.joint = False
            return [], self.listed[-1] + 1
        return [], at

    def _get_citations(self, places: Sequence[int]) -> Subject:
        return tuple(self.number[place] for place in places)

    def _get_matched_citations(self, found: re.Match[str]) -> Subject:
        return self._get_citations([place for place in range(*found.span("g")) if self.code[place] == "T"])

    def _store_listed_attributes(self, found: re.Match[str], every: bool = False) -> None:
        begin, end = found.span("k")
        items = [m.start() for m in re.finditer(r"K|w(?!w*K)", self.code[begin:end])]
        self.listed = [begin] if every else [begin + place for place in items]
        self.joint = False

    def _build_list_claims(
        self, found: re.Match[str], subject: Subject, *, denied: bool, every: bool = False
    ) -> list[AttributeClaim]:
        """A list of attributes, said of a subject and of the titles it was likened to."""
        self._store_listed_attributes(found, every)
        self.denied, self.listing = denied, subject
        (others, opposite), said = self.front, list[AttributeClaim]()
        for place in self.listed:
            said += [self._build_claim(place, one, denied, self.words[place].end) for one in subject]
            said += [self._build_claim(place, one, denied != opposite, self.words[place].end) for one in others]
        return said

    def _build_repeated_claims(self, subject: Subject, denied: bool, end: int) -> list[AttributeClaim]:
        done = self.words[end - 1].end
        return [self._build_claim(place, one, denied, done) for place in self.listed for one in subject]

    def _build_joint_claims(self, others: Subject, end: int) -> list[AttributeClaim]:
        done, titles = self.words[end - 1].end, (*self.subject, *others)
        return [self._build_claim(place, titles, True, done) for place in self.listed]

    def _build_claim(self, place: int, of: int | Subject | None, denied: bool, done: int) -> AttributeClaim:
        word = self.words[place]
        citations = of if isinstance(of, tuple) else (of,)
        return AttributeClaim(word.text, denied, (), word.start, word.end, done, False, citations, 0)
