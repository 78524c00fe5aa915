"""Figures by round, and what is made of them: medians, ratios to OpenSSH of the same round, and targets."""

import re
import statistics
from datetime import datetime, timezone

# Group, pattern of the row, who, and the ratios that are aimed at: what is ahead of every peer, what is near the limit.
TARGETS = [
    ("handshake", "connect, authenticate", "our server", 0.10, 0.07),
    ("handshake", "connect, authenticate", "our client", 0.40, 0.25),
    ("handshake", "CPU of the client, ", "our client", 0.50, 0.30),
    ("handshake", "connections a second", "our server", 3, 4),
    ("handshake", "authentication alone", "our server", 0.035, 0.02),
    ("bulk", "gcm .*server CPU", "our server", 0.80, 0.65),
    ("bulk", "chacha.*server CPU", "our server", 0.60, 0.45),
    ("bulk", "ctr.*server CPU", "our server", 0.90, 0.75),
    ("bulk", "gcm.*client CPU", "our client", 0.80, 0.60),
    ("bulk", "ctr.*client CPU", "our client", 1.00, 0.85),
    ("bulk", "chacha.*client CPU", "our client", 0.60, 0.40),
    ("bulk", "gcm.*MB/s", "both ours", 2, 3),
    ("bulk", "(chacha|ctr).*MB/s", ".*", 1, 1),
    ("sftp", "(put|get), server CPU", "our server", 0.85, 0.60),
    ("sftp", "(put|get), .*MB/s", "both ours", 1.5, 1.5),
    ("sftp", "files of 4 KiB", "our client", 3.3, 10),
    ("sftp", "list", "our client", 0.40, 0.40),
    ("echo", "p50", "our server", 0.80, 0.75),
    ("echo", "p99", "our server", 0.85, 0.85),
    ("memory", "idle session", "our server", 0.03, 0.02),
    ("memory", "opened a second", "our server", 8, 8),
    ("channels", "true", "our server", 1.6, 1.6),
    ("delayed", "(down|up), MB/s", "both ours", 3, 3),
    ("delayed", "down, MB/s", "our client", 3, 3),
    ("delayed", "up, MB/s", "our client", 0.95, 0.95),
    ("delayed", "small files", "both ours|our client", 5, 5),
    ("delayed", "one file", "both ours", 2, 2),
]

# Why a target that is missed is: what was found, as figures.
REASONS = [
    ("handshake", "connect, authenticate",
     "the row that begins with *the least* has what the stock client's own CPU and a shell by itself take; the server's "
     "own CPU is the last row's."),
    ("handshake", "CPU of the server, authentication alone",
     "45 % of it is the kernel's, a fifth the arithmetic of two curves (perf)."),
    ("echo", "p50",
     "six system calls and two changes of threads for each stroke, as few as sshd's (strace), and 60,000 instructions "
     "beside them (callgrind). 15 % of its CPU are Swift's checks of exclusive access: without them p50 is 10 % lower. "
     "They stay, since they stop what would be a fault of memory."),
    ("sftp", "list",
     "sshd needs 50 ms until its subsystem runs, and sftp-server by itself 42 ms for 10,000 names, however far one asks "
     "ahead."),
]


def is_more_better(row):
    return "/s" in row and "s/GB" not in row or "a second" in row


class Table:
    def __init__(self):
        self.figures = {}

    def add(self, group, row, who, value):
        self.figures.setdefault((group, row), {}).setdefault(who, []).append(value)

    def ratios(self, values, peer):
        return [mine / theirs for mine, theirs in zip(values, peer) if theirs]

    def rows(self):
        """Group, row, who, our median, OpenSSH's, ratio, its spread, target, near, whether it is reached."""
        for (group, row), figures in self.figures.items():
            peer = figures.get("OpenSSH")
            for who, values in figures.items():
                if who == "OpenSSH" or not peer:
                    continue
                # A p50 of single connections is a ratio of medians; rounds are compared one by one.
                single = "p50" in row and group == "handshake" or "client, ms" in row
                ratios = ([statistics.median(values) / statistics.median(peer)] if single
                          else self.ratios(values, peer))
                ratio = statistics.median(ratios)
                target, near = aim(group, row, who)
                reached = None
                if target is not None:
                    reached = ratio >= target if is_more_better(row) else ratio <= target
                yield (group, row, who, statistics.median(values), statistics.median(peer), ratio,
                       (min(ratios), max(ratios)), target, near, reached)

    def markdown(self, mode, relay):
        lines = [
            "# The engine beside OpenSSH", "",
            f"Made by `Benchmarks/run --engine{' --quick' if mode == 'quick' else ''}` on "
            f"{datetime.now(timezone.utc):%Y-%m-%d}. {machine()}", "",
            "Each figure is the median over the rounds of one run, in which the peers take turns; × is the median of the "
            "rounds' ratios to OpenSSH's server with OpenSSH's client. *Our server* is measured with OpenSSH's client, "
            "*our client* with sshd. Read the ratios; the absolute figures are this machine's, at that moment.",
            "Our program is linked statically (`swift build -c release --static-swift-stdlib -Xswiftc -static-executable`), "
            "as whoever writes a short-lived client may do with the library; OpenSSH is the distribution's.",
            f"The relay of the delayed links carries {relay:,.0f} MB/s by itself." if relay else "", "",
        ]
        group_before = None
        reasons = []
        for group, row, who, ours, theirs, ratio, spread, target, near, reached in self.rows():
            if group != group_before:
                lines += reasons
                reasons = []
                lines += ["", f"## {TITLES[group]}", "",
                          "| what | measured | ours | OpenSSH | × | from–to | target | |", "|---|---|--:|--:|--:|--:|--:|---|"]
                group_before = group
            sign = "≥" if is_more_better(row) else "≤"
            aimed = f"{sign} {target:g}" if target is not None else ""
            mark = {True: "reached", False: "**missed**", None: ""}[reached]
            lines.append(f"| {row} | {who} | {short(ours)} | {short(theirs)} | {ratio:.3g} | "
                         f"{spread[0]:.3g}–{spread[1]:.3g} | {aimed} | {mark} |")
            if reached is False:
                for why in (why for of, start, why in REASONS if of == group and row.startswith(start)):
                    reasons += ["", f"*{row}*: {why}"]
        lines += reasons
        return "\n".join(lines) + "\n"


TITLES = {"handshake": "Connections", "echo": "A key stroke's echo", "channels": "Channels on one connection",
          "memory": "Idle sessions", "bulk": "Bulk", "sftp": "SFTP", "delayed": "Over a link that delays (round trip)"}


def aim(group, row, who):
    for of, pattern, whose, target, near in TARGETS:
        if of == group and re.search(pattern, row) and re.fullmatch(whose, who):
            return target, near
    return None, None


def short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine():
    import os
    with open("/proc/cpuinfo") as file:
        name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} × {name}, Linux {os.uname().release.split('-')[0]}, loopback, files in memory."
