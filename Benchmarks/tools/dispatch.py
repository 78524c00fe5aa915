"""How long sshd waits for its AuthorizedKeysCommand, with 10,000 keys: copilot-dispatch beside what people write.

    STATIC_DISPATCH=1 swift build -c release --static-swift-stdlib --disable-local-rpath --product copilot-dispatch
    python3 Benchmarks/tools/dispatch.py --program .build/release/copilot-dispatch [--json FILE]

Each way is started in turn, so that all of them have the same machine. Read the ratios to /bin/true, which is what any
program costs.
"""

import argparse
import base64
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import time

SHELL = """#!/bin/sh
# What many sites have: the key's line by grep, its owner by cut.
name=$(grep -F -m1 -- "$3 $4" "$5" | cut -d' ' -f1)
[ -n "$name" ] && printf 'restrict,pty,command="/opt/app %s" %s %s\\n' "$name" "$3" "$4"
"""

PYTHON = """import sys
key = " ".join(sys.argv[3:5])
for line in open(sys.argv[5]):
    if key in line:
        print(f'restrict,pty,command="/opt/app {line.split()[0]}" {key}')
        break
"""


def keys(count):
    for index in range(count):
        blob = struct.pack(">I11sI", 11, b"ssh-ed25519", 32) + os.urandom(32)
        yield f"user{index}", base64.b64encode(blob).decode()


def start(arguments):
    begin = time.perf_counter()
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, close_fds=False)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, output


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", required=True, help="a copilot-dispatch, built for release")
    options.add_argument("--copilot", help="a whole copilot, for `copilot dispatch`")
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--json", help="write the figures here, too")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        people = list(keys(10_000))
        file = folder / "keys"
        file.write_text("".join(f"{name} ssh-ed25519 {key} {name}@host\n" for name, key in people))
        (folder / "lookup.sh").write_text(SHELL)
        (folder / "lookup.py").write_text(PYTHON)
        asked = ["app", "/home/app", "ssh-ed25519", people[-1][1]]
        ours = [*asked, "--keys", str(file), "--app", "app=/opt/app"]
        ways = {
            "/bin/true": ["/bin/true"],
            "copilot-dispatch": [given.program, *ours],
            "sh, grep and cut": ["/bin/sh", str(folder / "lookup.sh"), *asked, str(file)],
            "python3": ["/usr/bin/python3", "-S", str(folder / "lookup.py"), *asked, str(file)],
        }
        if given.copilot:
            ways["copilot dispatch"] = [given.copilot, "dispatch", *ours]
        figures = {name: ([], []) for name in ways}
        for _ in range(given.rounds):
            for name, arguments in ways.items():
                wall, work, output = start(arguments)
                assert name == "/bin/true" or output.startswith(b"restrict,pty,command="), (name, output)
                figures[name][0].append(wall)
                figures[name][1].append(work)
    results = {}
    print("| way | p50 ms | p95 ms | CPU ms | of /bin/true |\n|---|---|---|---|---|")
    for name, (walls, works) in figures.items():
        walls.sort()
        works.sort()
        p50, p95, work = (walls[len(walls) // 2], walls[len(walls) * 95 // 100], works[len(works) // 2])
        results[name] = {"p50": p50, "p95": p95, "cpu": work}
        print(f"| {name} | {p50:.1f} | {p95:.1f} | {work:.1f} | {p50 / results['/bin/true']['p50']:.1f} x |")
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(results, indent=2))


main()
