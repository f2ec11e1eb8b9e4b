"""The tiny language models that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import opposite_tastes


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny language model that knows the words of `opposite_tastes`."""
    return opposite_tastes.backbone(tmp_path_factory.mktemp("lm"))
