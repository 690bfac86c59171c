"""`python -m tests.faults --schedules 200000 --seed 1`: the fault simulator. See docs/faults.md."""

from tests.faults.simulator.command import main

if __name__ == "__main__":
    raise SystemExit(main())
