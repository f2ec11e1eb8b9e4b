"""HTML in titles, keywords and texts: tags go, entities become their characters."""

from __future__ import annotations

import html
import re

# Tags by name, for "<unk>" and "</s>" are words, and "a < b > c" is arithmetic. Those that stand inside a word or
# beside a comma leave nothing behind, the others a space.
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|nobr|q|samp|small|span|strike|strong|sub|"
    "sup|tt|u|var|wbr"
)
_BLOCK = (
    "address|article|aside|audio|blockquote|body|br|button|canvas|caption|center|col|colgroup|dd|details|dir|div|dl|dt|"
    "embed|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|img|input|label|"
    "legend|li|link|main|map|meta|nav|noscript|object|ol|option|p|param|picture|pre|section|select|source|summary|"
    "svg|table|tbody|td|textarea|tfoot|th|thead|tr|ul|video"
)
_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>", re.S | re.I)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", re.I)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK})(?:\s[^<>]*)?/?>", re.I)
# With a semicolon alone: "AT&T" and "R&D" hold none.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

PAGE_PIECE = r"getTime\(\)|function\(|^\s*<[sS][tT][yY][lL][eE]"
"""What scripts and styles of a page hold, and titles don't."""

_BLANK = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def strip_markup(text: str) -> str:
    """The text without HTML; applied again it changes nothing, so that "&amp;amp;" and "&lt;b&gt;" are undone too.

    >>> strip_markup("Tom &amp;amp; Jerry: <i>The Movie</i><br/>uncut")
    'Tom & Jerry: The Movie uncut'
    >>> strip_markup("I <3 R&D; </s> a < b > c")
    'I <3 R&D; </s> a < b > c'
    """
    while True:
        if "<" not in text and "&" not in text:
            return text
        plain = _HIDDEN.sub(" ", text)
        plain = _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", plain))
        plain = _ENTITY.sub(lambda match: html.unescape(match[0]).replace("\xa0", " "), plain)
        if plain == text:
            return text
        text = plain


def clean_line(text: str | None, limit: int) -> str:
    """One line of at most `limit` characters without HTML.

    Control characters and runs of white space become one space.
    """
    return _BLANK.sub(" ", strip_markup(text or "")).strip()[:limit].rstrip()


def is_page_piece(text: str) -> bool:
    """Whether a text is a piece of a web page's script or style, as some titles of Amazon's products are.

    >>> is_page_piece("var t = (new Date()).getTime();"), is_page_piece("Getting Time Right")
    (True, False)
    """
    return re.search(PAGE_PIECE, text) is not None
