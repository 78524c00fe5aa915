"""Measures the engine beside OpenSSH, in turns, and prints ratios. `Benchmarks/run --engine --help` says how."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from measure import GROUPS, Bench, relay_rate  # noqa: E402
from peers import Workplace  # noqa: E402
from table import Table  # noqa: E402

# Rounds of each group: as many as the time allows and the noise asks for.
ROUNDS = {"quick": {"default": 1, "memory": 1},
          "full": {"default": 3, "memory": 1, "sftp": 3, "delayed": 1, "channels": 5, "bulk": 3}}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--program", required=True)
    options.add_argument("--tools", required=True, type=Path)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--rounds", type=int)
    options.add_argument("--markdown", type=Path)
    options.add_argument("names", nargs="*", choices=[*GROUPS, []], metavar="NAME")
    options = options.parse_args()
    mode = "quick" if options.quick else "full"
    table, relay = Table(), None
    place = Workplace(options.program, options.tools)
    bench = None
    try:
        bench = Bench(place, table, options.quick)
        for name in options.names or GROUPS:
            start = time.monotonic()
            if name == "delayed":
                relay = relay_rate(bench)
            for _ in range(options.rounds or ROUNDS[mode].get(name, ROUNDS[mode]["default"])):
                GROUPS[name](bench)
            print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    finally:
        if bench:
            bench.close()
        place.close()
    text = table.markdown(mode, relay)
    print(text)
    if options.markdown:
        options.markdown.write_text(text)


main()
