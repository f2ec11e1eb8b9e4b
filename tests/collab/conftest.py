"""Assertions of the contract suite are explained on failure."""

import pytest

pytest.register_assert_rewrite("thinkrec.testing")
