"""What a service holds is left out of collections; what came later and is gone is collected."""

from __future__ import annotations

import gc
import weakref

from thinkrec.serve.garbage import freeze_objects


class Ring:
    def __init__(self) -> None:
        self.self = self


def test_what_is_there_is_frozen_and_a_second_call_lets_go_of_what_went() -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    try:
        freeze_objects()
        assert gc.get_freeze_count() > 1000
        del ring
        gc.collect()
        assert gone() is not None
        freeze_objects()
        assert gone() is None
    finally:
        gc.unfreeze()
