"""`make mutants`: makes each change of the tables in a copy of the source and requires that a named test fails.

    python tests/mutants/run_mutants.py                  all of them, two at a time
    python tests/mutants/run_mutants.py --only NAME      those whose names begin so, with output (may be repeated)
    python tests/mutants/run_mutants.py --list           the table, and which entries are stale
    python tests/mutants/run_mutants.py --together       the thirteen of THIRTEEN at once against tests/behaviour

A mutant that no named test notices survives; one whose text is not in the source exactly once is stale; one whose tests
cannot run, or fail without it too, says nothing. Each of these makes the whole fail.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutant import Mutant
from tables import MUTANTS, THIRTEEN
from tree import Job, Tree, run_jobs

ALL_LIMIT = 15 * 60
"""Seconds for all tests of the tables, unchanged."""
NOTICED, SURVIVED, STALE, UNUSABLE = "noticed", "SURVIVED", "STALE", "UNUSABLE"


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant."""

    mutant: Mutant
    outcome: str
    text: str
    """The test that noticed, or what is wrong."""
    seconds: float = 0.0


def failed(output: str) -> list[str]:
    """Names of tests, under tests/, that pytest says failed."""
    return re.findall(r"^(?:FAILED|ERROR) tests/(\S+)", output, flags=re.MULTILINE)


def verdict_of(job: Job) -> Verdict:
    """What the tests of one mutant have said."""
    mutant = job.mutants[0]
    if job.status == 1:
        return Verdict(mutant, NOTICED, next(iter(failed(job.output)), ""), job.seconds)
    if job.status == 0:
        return Verdict(mutant, SURVIVED, f"{', '.join(job.tests)}: all pass ({mutant.why})", job.seconds)
    reason = f"no end after {job.limit} s" if job.status is None else f"pytest ended with {job.status}"
    return Verdict(mutant, UNUSABLE, f"{reason}: {job.output.strip()[-300:]}", job.seconds)


def tell(verdict: Verdict) -> Verdict:
    """Print a line about one mutant."""
    print(f"{verdict.outcome:9} {verdict.mutant.name:34} {verdict.seconds:5.1f} s  {verdict.text}", flush=True)
    return verdict


def failing_without(tree: Tree, mutants: Iterable[Mutant]) -> set[str]:
    """Those of the mutants' tests that fail in the unchanged tree: nothing can be told from them."""
    job = Job((), tuple(sorted({test for mutant in mutants for test in mutant.tests})), ("--tb=short",), ALL_LIMIT)
    if not job.tests:
        return set()
    run_jobs([job], [tree], lambda done: None)
    found = set(failed(job.output))
    if job.status not in (0, 1):
        print(job.output)
        sys.exit(f"the tests that the tables name cannot be run (pytest ended with {job.status})")
    if found:
        print(job.output)
    return found


def without(tests: Sequence[str], failing: set[str]) -> tuple[str, ...]:
    """Tests that are not, and hold none, of the failing ones."""
    return tuple(t for t in tests if not any(name == t or name.startswith((f"{t}[", f"{t}::")) for name in failing))


def judge_all(mutants: Sequence[Mutant], workers: int, *, show: bool) -> list[Verdict]:
    """Every mutant, `workers` at a time, each in a copy of the tree of its own; prints a line as each is done."""
    verdicts = [tell(Verdict(m, STALE, wrong)) for m in mutants if (wrong := m.stale()) is not None]
    usable = [mutant for mutant in mutants if mutant.stale() is None]
    with tempfile.TemporaryDirectory(prefix="thinkrec-mutants-") as folder:
        trees = [Tree.copy(Path(folder) / str(number)) for number in range(workers)]
        failing = failing_without(trees[0], usable)
        jobs = []
        for mutant in usable:
            tests = without(mutant.tests, failing)
            if tests:
                jobs.append(Job((mutant,), tests, ("-x", "--tb=short" if show else "--tb=line")))
            else:
                verdicts.append(tell(Verdict(mutant, UNUSABLE, f"{mutant.tests[0]} fails without it")))

        def report(job: Job) -> None:
            if show:
                print(job.output)
            verdicts.append(tell(verdict_of(job)))

        run_jobs(jobs, trees, report)
    return verdicts


def together() -> int:
    """The thirteen at once: tests of behaviour have to fail. Returns the exit status."""
    chosen = tuple(mutant for mutant in MUTANTS if mutant.name in THIRTEEN)
    stale = [f"{mutant.name}: {wrong}" for mutant in chosen if (wrong := mutant.stale()) is not None]
    if stale:
        print("\n".join(["STALE", *stale]))
        return 1
    with tempfile.TemporaryDirectory(prefix="thinkrec-mutants-") as folder:
        job = Job(chosen, ("behaviour",), ("--tb=no",), ALL_LIMIT)
        run_jobs([job], [Tree.copy(Path(folder) / "tree")], lambda done: None)
    found = failed(job.output)
    print(job.output)
    print(f"{len(chosen)} mutants at once: {len(found)} tests of tests/behaviour fail")
    return 0 if job.status == 1 and found else 1


def show_table() -> int:
    """Print the tables; returns 1 where an entry is stale."""
    stale = 0
    for mutant in MUTANTS:
        wrong = mutant.stale()
        stale += wrong is not None
        print(f"{mutant.name:34} {mutant.file:36} {mutant.why}" + (f"\n    STALE: {wrong}" if wrong else ""))
        for test in mutant.tests:
            print(f"    {test}")
    print(f"{len(MUTANTS)} mutants, {stale} of them stale")
    return int(stale > 0)


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME", help="only mutants whose names begin so")
    parser.add_argument("--list", action="store_true", help="print the tables and run nothing")
    parser.add_argument("--together", action="store_true", help="the thirteen at once against tests/behaviour")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time, one thread each")
    chosen = parser.parse_args()
    if chosen.list:
        return show_table()
    if chosen.together:
        return together()
    mutants = [m for m in MUTANTS if not chosen.only or any(m.name.startswith(name) for name in chosen.only)]
    if not mutants:
        print(f"no mutant's name begins with {' or '.join(chosen.only)}; --list shows them")
        return 1
    began = time.monotonic()
    verdicts = judge_all(mutants, max(1, chosen.workers), show=bool(chosen.only))
    bad = sorted((v for v in verdicts if v.outcome != NOTICED), key=lambda v: (v.outcome, v.mutant.name))
    for verdict in bad:
        print(f"{verdict.outcome}: {verdict.mutant.name} ({verdict.mutant.file}): {verdict.text}")
    told = ", ".join(f"{sum(v.outcome == kind for v in bad)} {kind.lower()}" for kind in (SURVIVED, STALE, UNUSABLE))
    minutes = (time.monotonic() - began) / 60
    print(f"{len(verdicts) - len(bad)} of {len(verdicts)} mutants noticed, {told}, in {minutes:.1f} minutes")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
