"""The collector of cyclic garbage, kept off what a service holds for as long as it runs."""

from __future__ import annotations

import gc


def freeze_objects() -> None:
    """Collect, and leave out of all later collections what is there now.

    A loaded run has half a million objects. A full collection that goes through them stops all threads for some tenths
    of a second, and requests with them. Called anew after a swap, so that the old model can go.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
