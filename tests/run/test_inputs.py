"""What a stage is known by: contents, every one of them."""

from __future__ import annotations

from thinkrec.run.inputs import hash_reasons
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=4, items=12, interactions_per_user=(6, 8)), 3).dataset


def test_each_letter_and_each_row_of_reasons_counts() -> None:
    plain = {1: "Yes. It fits.", 4: "No. It does not."}
    others = [{1: "Yes. It fits!", 4: "No. It does not."}, {2: "Yes. It fits.", 4: "No. It does not."},
              {1: "Yes. It fits."}, {}]  # fmt: skip
    digests = {hash_reasons(DS, reasons) for reasons in (plain, *others)}
    assert len(digests) == 5
    assert hash_reasons(DS, dict(reversed(plain.items()))) == hash_reasons(DS, plain)
