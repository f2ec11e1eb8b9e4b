"""One sentence, read for what it says of attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from thinkrec.claims.attribute_words import Word

Subject = tuple[int | None, ...]
"""Citations of the text, counted from 0; None is the target, unnamed."""


class Said(NamedTuple):
    """One attribute said of one title, or denied all of several at once."""

    attribute: str
    """In lower case."""
    denied: bool
    """Whether it is said to be missing; of several titles: from at least one."""
    of: tuple[frozenset[str], ...]
    """The keywords of each title."""
    begins: int
    """Where the attribute stands in the text."""
    ends: int
    done: int
    """Where in the text the claim is complete: behind the attribute, or behind a title it is also said of."""
    known: bool
    """Whether it is a keyword of any item shown."""
    citations: Subject
    """The titles; one but for "'A' does not share K with 'B'"."""
    sentence: int
    """Where in the text the sentence begins."""
    alone: bool = False
    """Whether it is said of one title by a verb such as "shares" or "brings", and no other title has been named yet."""

    @property
    def right(self) -> bool:
        """Whether it is so; what nobody has is not so."""
        return self.known and all(self.attribute in words for words in self.of) != self.denied


_G = r"T(?:(?:,?[&|]|,|x)t?T)*"
_ITEM = r"[rI]?w{0,2}K+"
_REST = rf"(?:(?:,?[&|]|,)[tIN]*{_ITEM}|a[rIt]*{_ITEM}|[&|]w(?![wKT]))*"
_K = rf"(?:{_ITEM}|w(?![wK])){_REST}"
_LACKED = rf"(?:{_ITEM}|w){_REST}"
_NEG = r"(?P<neg>dn|D|n)?"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("<G>", rf"(?P<g>{_G})").replace("<K>", rf"[tB]*(?P<k>{_K})"))


_FRONT = _form(r"(?P<how>[LU]|A[oW]|cW)t*<G>,")
_STANDS = _form(r"q<K>")
_SPITE_AHEAD = _form(r"p<K>,")
_SAME = _form(r"h(?P<same>S)")
_OWNS = _form(r"<G>zw?<K>")
_ALSO = [
    _form(r"Rd<G>"),
    _form(r"[|N]d<G>"),
    _form(r"(?<!A)<G>(?P<not>dn|D)(?=t*[,.&u])"),
    _form(r"(?<!A)<G>d(?=t+|[,.])"),
]
_PARTNER = [
    _form(r"c?Wt*<G>"),
    _form(r",?t*A(?:d|o|W)t*<G>d?"),
    _form(r",?t*A<G>(?:d|(?=\.))"),
    _form(r",?t*(?P<how>[LU])t*<G>"),
    _form(r",?H?t*b?t*j[tB]*<G>"),
    _form(r"b_B?<G>[tB]*(?:s|hc)"),
    _form(r"b?(?P<gone>X)o<G>"),
    _form(r"b?oB?<G>"),
]
_MORE = _form(r",?&<K>W<G>")
_VERB = [
    _form(rf"t*{_NEG}[tB]*(?P<v>[hs])(?P<nei>[NM])?<K>"),
    _form(rf"t*b?{_NEG}[tB]*(?P<v>l)[tB]*(?P<k>{_LACKED})"),
    _form(rf"b{_NEG}(?P<v>)[tB]*(?P<k>{_ITEM}{_REST})"),
    _form(rf"(?P<v>b?t*e?p)[tB]*(?P<k>{_LACKED})"),
    _form(r"(?P<v>f)(?=I)<K>"),
    _form(r"(?P<v>,?W)<K>"),
    _form(r"u(?P<neg>n)(?P<v>)<K>"),
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


class Sentence:
    """Reads one sentence."""

    def __init__(self, words: Sequence[Word], cited: int, before: Subject, strict: bool) -> None:
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

    def claims(self) -> Iterator[Said]:
        at = 0
        while at < len(self.code):
            ahead, found = at, list[Said]()
            for step in (self._ahead, self._partners, self._verbs, self._titles, self._floating):
                found, ahead = step(at)
                if ahead > at:
                    break
            yield from found
            at = max(ahead, at + 1)

    def awaits(self) -> tuple[list[int], int] | None:
        """The attributes that a title cited next would be said to have too, and the place of the words that say so."""
        for _ in self.claims():
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

    def slot(self) -> tuple[Subject, bool, list[int]] | None:
        """Where the sentence ends with words behind which an attribute has to stand: of whom it will be said, whether
        it will be denied, and what the list holds already.
        """
        for _ in self.claims():
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

    def _ahead(self, at: int) -> tuple[list[Said], int]:
        """What stands before its title: "Like 'B', ...", "What stands out is K", "In spite of its K, ..."."""
        if found := _FRONT.match(self.code, at):
            self.front = self._cited(found), found["how"] == "U"
            return [], found.end()
        if found := _STANDS.match(self.code, at):
            self.stands, self.shared, self.narrow = True, True, False
            return [one._replace(alone=True) for one in self._say(found, (None,), denied=False)], found.end()
        if not self.subject and (found := _SPITE_AHEAD.match(self.code, at)):
            self._list(found)
            self.held = True
            return [], found.end()
        return [], at

    def _partners(self, at: int) -> tuple[list[Said], int]:
        """Titles of which the attributes said last are said as well."""
        if not self.listed:
            return [], at
        for form in _ALSO:
            if found := form.match(self.code, at):
                denied = self.denied != bool(found.groupdict().get("not"))
                if found.groupdict().get("not") and self.denied and not self.lexical:
                    denied = True  # "does not have K, and 'B' does not"
                return self._repeat(self._cited(found), denied, found.end()), found.end()
        if at == self.listed[-1] + 1:
            for form in _PARTNER:
                if found := form.match(self.code, at):
                    parts = found.groupdict()
                    denied = self.denied != bool(parts.get("how") == "U" or parts.get("gone"))
                    if self.joint:
                        return self._jointly(self._cited(found), found.end()), found.end()
                    said = self._repeat(self._cited(found), denied, found.end())
                    if more := _MORE.match(self.code, found.end()):
                        said += self._say(more, self.subject, denied=False)
                        said += self._repeat(self._cited(more), False, more.end())
                        return said, more.end()
                    return said, found.end()
        return [], at

    def _verbs(self, at: int) -> tuple[list[Said], int]:
        """What is said of the subject."""
        subject = self.subject
        if not subject:
            return [], at
        if (found := _SAME.match(self.code, at)) and self.listed:
            also = self.objects if self.stands else ()
            return self._repeat((*subject, *also), self.denied, found.end()), found.end()
        for form in _VERB:
            if found := form.match(self.code, at):
                parts = found.groupdict()
                lacks = parts["v"] == "l"
                denied = lacks != bool(parts.get("neg")) or bool(parts.get("nei")) or self.neither
                self.lexical = lacks
                if parts["v"] == "s" and (parts.get("neg") or parts.get("nei")):
                    self._list(found)
                    self.joint, self.denied = True, False
                    return [], found.end()
                said = self._say(found, subject, denied=denied)
                alone = parts["v"] in ("h", "s") and len(subject) == 1 and not denied
                self.shared = parts["v"] == "s"
                self.narrow = lacks or parts["v"].endswith("p")
                return [one._replace(alone=alone) for one in said], found.end()
        if self.strict and self.listed and at == self.listed[-1] + 1:
            for form in (_STRAY, _STRAY_TITLE) if self.narrow else (_STRAY,):
                if found := form.match(self.code, at):
                    word = self.words[found.end() - 1]
                    return [self._claim(found.end() - 1, one, self.denied, word.ends) for one in subject], found.end()
        if self.strict and (found := _SURE.match(self.code, at)):
            denied = found["v"] == "l" and not found["neg"]
            return self._say(found, subject, denied=denied, every=True), found.end()
        return [], at

    def _titles(self, at: int) -> tuple[list[Said], int]:
        """A new subject, or the object of a past verdict."""
        kind = self.code[at]
        if kind in "iy":
            self.subject = (self.group if kind == "y" else self.subject[-1:] or self.objects[-1:]) or self.before
            self.neither = False
            return self._release(at + 1), at + 1
        if kind != "T":
            return [], at
        if found := _OWNS.match(self.code, at):
            self.subject = self._cited(found)
            return self._say(found, self.subject, denied=False), found.end()
        end = re.compile(_G).match(self.code, at).end()  # type: ignore[union-attr]
        places = [place for place in range(at, end) if self.code[place] == "T"]
        opens = self.code[:at].rstrip("tBN")
        verb = re.compile(r"t*(?:dn|D|n|d)?[tB]*([hsbl])").match(self.code, end)
        lead = self.code[at - 1 : at]
        objects = opens.endswith("e")
        self.neither = lead == "N" and not objects
        if verb is None and objects:
            self.objects = self.group = self._of(places)
            self.subject = ()
            return [], end
        if len(places) > 1 and verb is not None and "|" not in self.code[at:end]:
            word = self.words[verb.start(1)].text.split()[0]
            joint = self.code[places[-2] + 1 : places[-1]]
            alone = word in ("is", "was") or (word.endswith("s") and word != "was")
            if "&" in joint and (alone or (objects and joint == ",&")):
                self.objects = self._of(places[:-1]) if objects else self.objects
                places = places[-1:]
        self.subject = self.group = self._of(places)
        return self._release(end), end

    def _release(self, end: int) -> list[Said]:
        """What was held back for the title that has just come."""
        if not self.held:
            return []
        self.held = False
        return self._repeat(self.subject, False, end)

    def _floating(self, at: int) -> tuple[list[Said], int]:
        """Attributes before the titles they belong to: "K runs through 'A' and 'B'"."""
        if self.code[at] == "K" and (found := re.compile(_K).match(self.code, at)):
            self.listed = [place for place in range(at, found.end()) if self.code[place] == "K"]
            self.denied = self.lexical = self.joint = False
            return [], self.listed[-1] + 1
        return [], at

    def _of(self, places: Sequence[int]) -> Subject:
        return tuple(self.number[place] for place in places)

    def _cited(self, found: re.Match[str]) -> Subject:
        return self._of([place for place in range(*found.span("g")) if self.code[place] == "T"])

    def _list(self, found: re.Match[str], every: bool = False) -> None:
        begin, end = found.span("k")
        items = [m.start() for m in re.finditer(r"K|w(?!w*K)", self.code[begin:end])]
        self.listed = [begin] if every else [begin + place for place in items]
        self.joint = False

    def _say(self, found: re.Match[str], subject: Subject, *, denied: bool, every: bool = False) -> list[Said]:
        """A list of attributes, said of a subject and of the titles it was likened to."""
        self._list(found, every)
        self.denied, self.listing = denied, subject
        (others, opposite), said = self.front, list[Said]()
        for place in self.listed:
            said += [self._claim(place, one, denied, self.words[place].ends) for one in subject]
            said += [self._claim(place, one, denied != opposite, self.words[place].ends) for one in others]
        return said

    def _repeat(self, subject: Subject, denied: bool, end: int) -> list[Said]:
        done = self.words[end - 1].ends
        return [self._claim(place, one, denied, done) for place in self.listed for one in subject]

    def _jointly(self, others: Subject, end: int) -> list[Said]:
        done, titles = self.words[end - 1].ends, (*self.subject, *others)
        return [self._claim(place, titles, True, done) for place in self.listed]

    def _claim(self, place: int, of: int | Subject | None, denied: bool, done: int) -> Said:
        word = self.words[place]
        citations = of if isinstance(of, tuple) else (of,)
        return Said(word.text, denied, (), word.begins, word.ends, done, False, citations, 0)
