"""Texts of data inside HTML: shown as they are, never read as markup."""

from __future__ import annotations

import html


def escape_html(text: str) -> str:
    """Text for an HTML page or attribute; control characters, which HTML does not allow, are dropped."""
    return html.escape("".join(c for c in str(text) if c in "\n\t" or (ord(c) >= 32 and ord(c) != 127)))
