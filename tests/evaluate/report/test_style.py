"""The style sheet of the report stands alone."""

from __future__ import annotations

import re

from thinkrec.evaluate.report.style import CSS


def test_every_variable_has_a_value_in_light_and_all_colours_one_in_the_dark() -> None:
    # --c is set by each element that has a colour of its own.
    light, dark = CSS.split("@media (prefers-color-scheme: dark)")
    defined = re.compile(r"(--\w+):")
    assert set(re.findall(r"var\((--\w+)", CSS)) - {"--c"} <= set(defined.findall(light))
    assert set(defined.findall(dark.partition("} }")[0])) == set(defined.findall(light))


def test_nothing_comes_from_anywhere_else() -> None:
    assert re.findall(r"url\((?!#)", CSS) == []
    assert "@import" not in CSS
