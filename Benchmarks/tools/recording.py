#!/usr/bin/env python3
"""Measures `copilot rec` beside asciinema and script(1), which records as ttyrec does: bytes and times, no format.

Usage: Benchmarks/tools/recording.py [--rounds N] [--megabytes N] [--markdown FILE] BINARY

Each round runs every recorder once on a terminal of its own, in turns; the figures are medians, the ratios those of the
same round. CPU is of the recorder and of what it records, not of the terminal that shows it.

Example: Benchmarks/tools/recording.py .build/release/copilot
"""

import argparse
import os
import pathlib
import pty
import resource
import shutil
import statistics
import sys
import tempfile
import time


def coloured_log(path, megabytes):
    """What a build or a log looks like: short lines, some colour, some text that is not ASCII."""
    lines = [
        f"\x1b[32m2026-11-21T10:{second // 60:02}:{second % 60:02}\x1b[0m INFO  worker-{second % 7} handled request "
        f"/api/items/{second * 7919} in {second % 90} ms{' – später' if second % 50 == 0 else ''}\r\n" for second in range(3600)]
    block = "".join(lines).encode()
    with open(path, "wb") as file:
        for _ in range(megabytes * 1_000_000 // len(block) + 1):
            file.write(block)


def at_terminal(arguments):
    """Runs a program on a terminal that somebody reads, and gives seconds of time and of CPU."""
    started = time.monotonic()
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", SHELL="/bin/sh", LC_ALL="C.UTF-8")
        os.execvp(arguments[0], arguments)
    while True:
        try:
            if not os.read(master, 1 << 16):
                break
        except OSError:
            break
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    os.close(master)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return wall, usage.ru_utime + usage.ru_stime


def recorders(binary, folder):
    """Name, and the program that runs a line of sh and writes a file."""
    return [
        ("plain", lambda line, file: ["/bin/sh", "-c", line]),
        ("script", lambda line, file: ["script", "-q", "-e", "-T", file + ".times", "-O", file, "-c", line]),
        ("asciinema", lambda line, file: ["asciinema", "rec", "-q", "-c", line, file]),
        ("copilot rec", lambda line, file: [binary, "rec", "-q", "-o", file, "-c", line]),
        ("copilot rec, v3", lambda line, file: [
            binary, "rec", "-q", "--format", "asciicast-v3", "-o", file, "-c", line]),
    ]


def measure(binary, rounds, megabytes):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        log = f"{folder}/log"
        coloured_log(log, megabytes)
        os.environ["HOME"] = folder
        loads = [
            (f"{megabytes} MB at once (cat)", f"cat {log}", os.path.getsize(log)),
            ("100,000 lines, one write each", "i=0; while [ $i -lt 100000 ]; do echo \"line $i\"; i=$((i+1)); done", None),
            ("a short command (true)", "true", None),
        ]
        results = []
        for title, line, size in loads:
            figures = {}
            for _ in range(rounds):
                for name, command in recorders(binary, folder):
                    file = f"{folder}/recording"
                    wall, cpu = at_terminal(command(line, file))
                    length = os.path.getsize(file) if os.path.exists(file) else 0
                    figures.setdefault(name, []).append((wall, cpu, length))
                    for left in pathlib.Path(folder).glob("recording*"):
                        left.unlink()
            results.append((title, size, figures))
        return results


def table(results):
    rows = []
    for title, size, figures in results:
        rows += [f"### {title}", "", "| recorder | wall, s | × plain | CPU, s | × plain | file, × output |", "|---|--:|--:|--:|--:|--:|"]
        plain = figures["plain"]
        for name, runs in figures.items():
            wall, cpu = (statistics.median(run[index] for run in runs) for index in (0, 1))
            ratios = [
                statistics.median(run[index] / base[index] for run, base in zip(runs, plain) if base[index] > 0)
                if any(base[index] > 0 for base in plain) else float("nan") for index in (0, 1)]
            length = f"{runs[-1][2] / size:.2f}" if size and runs[-1][2] else ""
            rows.append(f"| {name} | {wall:.3f} | {ratios[0]:.2f} | {cpu:.3f} | {ratios[1]:.2f} | {length} |")
        rows.append("")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog=__doc__.split("\n\n")[-1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--markdown", help="write the tables to this file too")
    parser.add_argument("binary")
    options = parser.parse_args()
    for tool in ("script", "asciinema"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: install it.")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    text = table(measure(str(pathlib.Path(options.binary).resolve()), options.rounds, options.megabytes))
    print(text)
    if options.markdown:
        pathlib.Path(options.markdown).write_text("# Recording a terminal\n\nMade by `Benchmarks/tools/recording.py`.\n\n" + text)


if __name__ == "__main__":
    main()
