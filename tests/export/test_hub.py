"""A name that is neither a folder nor on the hub."""

from __future__ import annotations

import pytest

from thinkrec.errors import CheckpointError
from thinkrec.export import hub


def test_a_source_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(hub, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"me/model is neither a folder nor .* no network"):
        hub.find_saved_folder("me/model", None, None, needs_data=True)
