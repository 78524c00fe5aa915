"""`copilot sftp` and `copilot scp` beside OpenSSH's, on the same sshd and in turns; see `Benchmarks/run --help`."""

import argparse
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/EndToEnd"))

from hosts import Account, SSHHost  # noqa: E402

# What is compared: the name, the program, and how it is told what to do.
TOOLS = {
    "sftp": ("openssh", "sftp"), "scp": ("openssh", "scp"), "scp -O": ("openssh", "scp"),
    "copilot sftp": ("copilot", "sftp"), "copilot scp": ("copilot", "scp"), "copilot scp -O": ("copilot", "scp"),
}
PEER = {"copilot sftp": "sftp", "copilot scp": "scp", "copilot scp -O": "scp -O"}


class Stage:
    """One sshd with an account, and what is copied: a big file and a folder of small ones, on both sides."""

    def __init__(self, folder, copilot, megabytes, files):
        self.folder, self.copilot = pathlib.Path(folder), copilot
        self.folder.chmod(0o755)
        self.account = Account(self.folder / "account")
        (self.folder / "account").chmod(0o755)
        self.host = SSHHost(self.folder / "host", self.account, "MaxSessions 100").start()
        self.key = self.folder / "key"
        self.key.write_text(self.host.make_client_key())
        self.key.chmod(0o600)
        self.here, self.there = self.folder / "here", self.account.home / "there"
        for side in (self.here, self.there):
            (side / "small").mkdir(parents=True)
            noise = random.Random(1).randbytes(1 << 20)
            with (side / "big").open("wb") as big:
                for _ in range(megabytes):
                    big.write(noise)
            for number in range(files):
                (side / "small" / f"file-{number:05}").write_bytes(noise[number:number + 4096])
        self.account.own(self.there)

    def options(self, tool):
        program, name = TOOLS[tool]
        line = [name] if program == "openssh" else [self.copilot, name]
        line += ["-q"] if name == "scp" else []
        line += ["-O"] if tool.endswith("-O") else []
        return line + [
            "-P", str(self.host.port), "-i", str(self.key), "-F", "none", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes"]

    def run(self, tool, what):
        """Seconds on the clock and of CPU for one copy; the copy is looked at and taken away."""
        upload, tree = what.startswith("put"), what.endswith("files")
        name = "small" if tree else "big"
        source, target = (self.here / name, self.there / "new") if upload else (self.there / name, self.here / "new")
        if TOOLS[tool][1] == "sftp":
            line = self.options(tool) + ["-b", "-", f"{self.host.username}@127.0.0.1"]
            commands = f"{'put' if upload else 'get'} {'-r ' if tree else ''}{source} {target}\n"
        else:
            far = f"{self.host.username}@127.0.0.1:"
            ends = [str(source), far + str(target)] if upload else [far + str(source), str(target)]
            line, commands = self.options(tool) + (["-r"] if tree else []) + ends, ""
        before, begun = os.times(), time.perf_counter()
        subprocess.run(
            line, input=commands.encode(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wall, after = time.perf_counter() - begun, os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        expected = len(os.listdir(source)) if tree else source.stat().st_size
        arrived = len(os.listdir(target)) if tree else target.stat().st_size
        assert arrived == expected, f"{tool}: {what} brought {arrived} of {expected}"
        shutil.rmtree(target) if tree else target.unlink()
        return wall, used

    def close(self):
        self.host.stop()
        self.account.remove()


def measure(stage, rounds):
    figures = {}
    for what in ("put big", "get big", "put files", "get files"):
        rows = {tool: [] for tool in TOOLS}
        for number in range(rounds + 1):
            for tool in TOOLS:
                row = stage.run(tool, what)
                # The first round warms caches.
                if number > 0:
                    rows[tool].append(row)
        figures[what] = {
            tool: {"wall s": statistics.median(wall for wall, _ in rows[tool]),
                   "cpu s": statistics.median(cpu for _, cpu in rows[tool])} for tool in TOOLS}
        for tool, peer in PEER.items():
            for figure in ("wall s", "cpu s"):
                figures[what][tool]["x " + figure[:-2]] = figures[what][tool][figure] / figures[what][peer][figure]
    return figures


def show(figures, sizes):
    for what, tools in figures.items():
        print(f"{what} ({sizes[what.split()[1]]})")
        for tool, row in tools.items():
            ratio = f"  x {row['x wall']:.2f} wall, {row['x cpu']:.2f} cpu" if "x wall" in row else ""
            print(f"  {tool:15} {row['wall s']:8.3f} s {row['cpu s']:8.3f} s cpu{ratio}")


def markdown(figures, sizes):
    openssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.split(",")[0]
    parts = [
        "# Copying files", "",
        f"`copilot sftp` and `copilot scp` beside {openssh}'s tools, against the same sshd, in turns within one run, from",
        "start to exit with connecting; medians. CPU is the client's, OpenSSH's with its `ssh`. x is beside the tool of the",
        "same name: read those, the absolute figures are this machine's.", "",
        f"{os.cpu_count()} CPUs, Linux {platform.release().split('-')[0]}, loopback, load at the start {os.getloadavg()[0]:.1f}. "
        "Made by `Benchmarks/run --files`.", ""]
    for what, tools in figures.items():
        parts += [f"## {what}: {sizes[what.split()[1]]}", "", "| tool | wall s | x | client CPU s | x |", "|---|---|---|---|---|"]
        for tool, row in tools.items():
            ratios = [f"{row[name]:.2f}" if name in row else "" for name in ("x wall", "x cpu")]
            parts.append(f"| {tool} | {row['wall s']:.3f} | {ratios[0]} | {row['cpu s']:.3f} | {ratios[1]} |")
        parts.append("")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--copilot", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    megabytes, files = (64, 300) if arguments.quick else (512, 1000)
    sizes = {"big": f"{megabytes} MiB", "files": f"{files} files of 4 KiB"}
    with tempfile.TemporaryDirectory(prefix="copilot-bench-", dir="/tmp") as folder:
        stage = Stage(folder, arguments.copilot, megabytes, files)
        try:
            figures = measure(stage, arguments.rounds or (2 if arguments.quick else 5))
        finally:
            stage.close()
    show(figures, sizes)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(figures, indent=2) + "\n")
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(markdown(figures, sizes))


if __name__ == "__main__":
    main()
