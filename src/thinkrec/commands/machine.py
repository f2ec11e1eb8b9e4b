"""`doctor`: what this machine has and lacks."""

from __future__ import annotations

import json

from thinkrec import doctor
from thinkrec.commands import show


def examine(as_json: bool) -> bool:
    """`thinkrec doctor`; returns whether nothing stops ThinkRec."""
    found = doctor.collect()
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show.console().print(doctor.render(found))
    return all(problem["level"] != "error" for problem in found["problems"])
