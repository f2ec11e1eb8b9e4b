"""`doctor`: what this machine has and lacks."""

from __future__ import annotations

import json

from thinkrec import doctor
from thinkrec.commands import show


def run_doctor_command(as_json: bool) -> bool:
    """`thinkrec doctor`; returns whether nothing stops ThinkRec."""
    found = doctor.collect_system_info()
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show.make_console().print(doctor.render_system_info(found))
    return all(problem["level"] != "error" for problem in found["problems"])
