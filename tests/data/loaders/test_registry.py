"""What is known of the published sources holds together."""

from __future__ import annotations

import pytest

from thinkrec.data.loaders.registry import SOURCES, find_source
from thinkrec.data.loaders.source import NOT_KNOWN, Source
from thinkrec.data.split import ByRandom
from thinkrec.errors import DataError


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(DataError, match=r"no data source 'netflix'.*yelp"):
        find_source("netflix")


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_a_source_says_fits_together(source: Source) -> None:
    assert source.licence and source.page.startswith("http")
    assert source.has_times or isinstance(source.split, ByRandom)
    assert source.threshold is None or not source.is_implicit
    for file in source.files:
        assert file.address.startswith("http")
        assert file.checksum == NOT_KNOWN or file.checksum.startswith(("md5:", "sha256:"))
