"""The command line of the fault simulator."""

import argparse
import sys
from collections.abc import Sequence

from tests.faults.simulator.campaign import Findings, Stopwatch, campaign, traced

KINDS = ("duplicate", "unrecorded", "stuck", "reversed", "gate", "changed", "disagree")
_SHOWN = 5
_EVERY_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every invariant held in every schedule, 1 otherwise."""
    options = _parser().parse_args(arguments)
    if options.one is not None:
        return _one(options.one, trace=options.trace)
    watch, told_at, findings = Stopwatch(), 0.0, Findings()
    for findings in campaign(range(options.seed, options.seed + options.schedules), processes=options.processes):
        if watch.seconds - told_at > _EVERY_S:
            told_at = watch.seconds
            _progress(findings, options.schedules, watch)
    _tell(findings, watch)
    for seed, _wrong in sorted(findings.failures)[:_SHOWN]:
        _one(seed, trace=True)
    return 1 if findings.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The fault simulator; docs/faults.md.")
    parser.add_argument("--schedules", type=int, default=2_000, help="how many to run (2000)")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed (1); the others follow it")
    parser.add_argument("--processes", type=int, default=None, help="how many at once (as many as processors)")
    parser.add_argument("--one", type=int, default=None, metavar="SEED", help="run this one only")
    parser.add_argument("--trace", action="store_true", help="with --one: print its steps")
    return parser


def _one(seed: int, *, trace: bool) -> int:
    steps, wrong = traced(seed)
    print(f"\nseed {seed}: {'; '.join(wrong) if wrong else 'everything holds'}")
    if trace:
        print("\n".join(steps))
    return 1 if wrong else 0


def _progress(findings: Findings, schedules: int, watch: Stopwatch) -> None:
    rate = watch.rate(findings.schedules)
    text = f"{findings.schedules} of {schedules} schedules, {rate:.0f} a second, {len(findings.failures)} failures"
    print(text, file=sys.stderr, flush=True)


def _tell(findings: Findings, watch: Stopwatch) -> None:
    rate = watch.rate(findings.schedules)
    print(f"{findings.schedules} schedules in {watch.seconds:.1f} s ({rate:.0f} a second)")
    print(f"{findings.intents} intents, {findings.orders_sent} transmissions, {findings.killed} kills planned")
    print("ended as: " + ", ".join(f"{state} {count}" for state, count in sorted(findings.states.items())))
    print(", ".join(f"{kind}: {findings.count(kind)}" for kind in KINDS))
