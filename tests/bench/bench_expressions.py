"""Evaluations a second of a small compiled predicate, on one core.

Run it as a script: `python tests/bench/bench_expressions.py [--json]`. The requirement is 200,000 a second.
"""

import argparse
import json
import time

from tradeloom.expressions import check, compile_expression, parse
from tradeloom.expressions.types import NUMBER, ObjectType

PREDICATE = "nodes.rsi.value < 30 && nodes.bars.last.close > nodes.ma.value"
NAMES = {
    "nodes": {
        "rsi": {"value": 27.4, "previous": 31.2},
        "bars": {"last": {"open": 1.0841, "high": 1.0853, "low": 1.0832, "close": 1.0849, "volume": 2318}},
        "ma": {"value": 1.0812, "trend": "up"},
    }
}
REQUIRED = 200_000


def evaluations_per_second(seconds: float = 1.0, rounds: int = 5) -> float:
    """The best of some rounds by processor time, so that other work on the machine does not count."""
    evaluate = compile_expression(parse(PREDICATE))
    assert evaluate(NAMES) is True
    best = 0.0
    for _ in range(rounds):
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds / rounds:
            for _ in range(1_000):
                evaluate(NAMES)
            count += 1_000
        best = max(best, count / spent)
    return best


def microseconds_to_parse_and_check() -> tuple[float, float]:
    number = ObjectType({"value": NUMBER})
    bars = ObjectType({"last": ObjectType({"close": NUMBER})})
    scope = {"nodes": ObjectType({"rsi": number, "bars": bars, "ma": number})}
    times = []
    for work in (lambda: parse.__wrapped__(PREDICATE), lambda: check(parse(PREDICATE), scope)):
        start = time.process_time()
        for _ in range(1_000):
            work()
        times.append((time.process_time() - start) * 1_000)
    return times[0], times[1]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = arguments.parse_args().json
    speed = evaluations_per_second()
    to_parse, to_check = microseconds_to_parse_and_check()
    if as_json:
        print(json.dumps({"evaluations_per_s": round(speed), "parse_us": to_parse, "check_us": to_check}))
    else:
        print(f"{PREDICATE}\n{speed:,.0f} evaluations/s (required: {REQUIRED:,})")
        print(f"parse {to_parse:.0f} µs, check {to_check:.0f} µs")


if __name__ == "__main__":
    main()
