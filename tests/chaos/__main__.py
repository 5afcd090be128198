"""`python -m tests.chaos --faults 1000 --seed 7`: the long run, and its summary for the README beside this file."""

import argparse
import math
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos import faults, summary
from tests.chaos.run import perform


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=50, help="how many faults (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="decides their order and details (default 1)")
    parser.add_argument("--kind", action="append", choices=tuple(faults.KINDS), help="faults of this kind only; repeatable")
    parser.add_argument("--blocking", action="store_true", help="workers run the loop that Celery runs on Windows")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no fault after so many minutes")
    parser.add_argument("--write", action="store_true", help="put the summary into README.md beside this module")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left behind
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"logs: {folder}", flush=True)
    kinds = tuple(asked.kind or ())
    say = lambda line: print(line, flush=True)  # noqa: E731 - a line is to be seen when it happens
    most_s = asked.minutes * 60
    story = perform(folder, count=asked.faults, seed=asked.seed, blocking=asked.blocking, kinds=kinds, most_s=most_s, say=say)
    text = summary.table(story, blocking=asked.blocking)
    print(text)
    if asked.write:
        summary.write(text, blocking=asked.blocking)
    return 0 if story.verdict.faultless and not story.findings else 1


if __name__ == "__main__":
    sys.exit(main())
