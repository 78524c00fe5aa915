#!/usr/bin/env python3
"""Records the streams of this folder from real programs on a pseudo-terminal.

    python3 record.py                 records all (needs vim, top, htop, less, tmux, bash, python3,
                                      curl, watch; apt-get as root)
    python3 record.py vim less        records some

A stream is a JSON object: columns, rows, command, and events: ["o", base64 of output], ["r", columns, rows] and
["m", name], a place at which the screen is compared. `command` and the steps below are how it was made.
"""
import base64
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent

UNICODE = r"""printf 'plain ASCII\n漢字かな交じり文 한국어 ＡＢＣ\nемоджи: 😀🚀⌚\ne\u0301 a\u0308 o\u0302 combining\n'"""
EMOJI = r"""printf 'joined 👩\u200d💻 heart ❤\ufe0f flag 🇩🇪 skin 👍🏽 keycap 1\ufe0f\u20e3\nfamily 👨\u200d👩\u200d👧|\n\e[10;55H漢字漢字'"""
TRUECOLOUR = r"""for i in $(seq 0 76); do printf '\e[48;2;%d;%d;%dm\e[38;2;%d;%d;%dm*' $((255-i*3)) $((i*3)) 120 $((i*3)) 255 $((255-i*3)); done; printf '\e[0m\n'; for i in $(seq 0 255); do printf '\e[38;5;%dm%3d \e[0m' $i $i; done; printf '\n\e[1mbold\e[0m \e[3mitalic\e[0m \e[4munder\e[0m \e[7minverse\e[0m \e[9mstrike\e[0m\n'"""
PROGRESS = r"""printf '\n\e7\e[0;23r\e8\e[1A'; for i in 10 40 80 100; do printf 'Setting up package-%s ...\r\n' $i; printf '\e7\e[24;0f\e[42m\e[30mProgress: [%3d%%]\e[49m\e[39m [%s] \e8' $i '##########'; done; printf '\e7\e[0;24r\e8\e[1A\e[J'; for i in 1 2 3; do printf '\rDownloading %d of 3\e[K' $i; done; printf '\n'"""

# A process table of its own, so that nothing of this machine's is recorded.
ALONE = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]

SCENARIOS = {
    "unicode": (60, 12, ["bash", "-c", UNICODE], []),
    "emoji": (60, 12, ["bash", "-c", EMOJI], []),
    "truecolour": (80, 24, ["bash", "-c", TRUECOLOUR], []),
    "progress": (80, 24, ["bash", "-c", PROGRESS], []),
    "shell": (60, 10, ["bash", "--norc", "--noprofile", "-i"],
              ["PS1='\\[\\e[32m\\]$ \\[\\e[0m\\]'\r", "seq 1 30\r", "echo a long line that has to wrap around the right margin of the terminal\x01\x1b[C\x1b[Cxx\r",
               "mkdir -p d/e; touch a b.sh; chmod +x b.sh; ln -s a link; ls -la --color=always --time-style=+ . \r", "printf 'tab\\tstop\\n'\r"]),
    "vim": (80, 24, ["vim", "-u", "NONE", "-N", "-n", "TEXT"],
            [":set number hlsearch\r", "/line\r", "dd", "5j", "ihello \x1b", "oneu line 漢字\x1b", "G", "gg", ":split\r", "\x04", "m:edited", ":q!\r", ":q!\r"]),
    "less": (70, 20, ["less", "-N", "TEXT"], [" ", "G", "k", "k", "/line 1\r", "g", "j", "m:paged", "q"]),
    "top": (100, 24, ALONE + ["top", "-d", "0.4", "-n", "3"], ["m:shown"]),
    "htop": (100, 30, ALONE + ["htop", "-d", "4"], ["m:shown", "\x1bOB", "t", "m:tree"]),
    "tmux": (80, 24, ["tmux", "-u", "-f", "tmux.conf", "-L", "SOCKET", "new-session", "bash --norc --noprofile"],
             ["PS1='> '\r", "seq 1 40\r", "\x02%", "PS1='> '\r", "echo 漢字 right pane\r", "\x02\"", "\x02o", "clear\r", "m:panes"]),
    "apt": (80, 24, ["apt-get", "-y", "-o", "Dpkg::Progress-Fancy=1", "reinstall", "hostname"], ["w:Progress", "w:triggers", "m:installed", "w:its end"]),
    "curl": (80, 12, ["bash", "-c", "curl -# --limit-rate 40k -o /dev/null file://$PWD/text; curl -o /dev/null file://$PWD/text"], []),
    "watch": (60, 14, ["watch", "-n", "0.3", "-d", "seq 1 8; date +%N"], ["m:shown"]),
    "python": (50, 12, ["python3", "-q"], ["print('x' * 120)\r", "'漢字' * 40\r", "for i in range(3): print(i)\r", "\r", "\x1b[A\x1b[A\x03"]),
    "reflow": (60, 14, ["bash", "--norc", "--noprofile", "-i"],
               ["PS1='$ '\r", "printf '%s ' $(seq 1 90); echo\r", "printf '漢字%.0s' $(seq 1 50); echo\r", "r:33x14", "m:narrow",
                "printf '\\e[44m%s\\e[m ' $(seq 1 60); echo\r", "r:97x20", "m:wide", "echo end\r", "r:60x9"]),
    "resize": (80, 24, ["vim", "-u", "NONE", "-N", "-n", "TEXT"],
               [":set number\r", "10j", "r:60x16", "m:narrow", "ix\x1b", "r:100x30", "\x0c", "m:wide", ":q!\r"]),
}


def set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Recording:
    def __init__(self, name: str) -> None:
        self.columns, self.rows, command, self.steps = SCENARIOS[name]
        self.folder = tempfile.TemporaryDirectory()
        text = pathlib.Path(self.folder.name) / "text"
        text.write_text("".join(f"This is line {i} of the text,\twith a tab and some words.\n" for i in range(1, 121)))
        (pathlib.Path(self.folder.name) / "tmux.conf").write_text("set -g status-right ''\n")
        socket = f"record-{os.getpid()}"
        self.shown = " ".join(command)
        self.command = [part.replace("TEXT", str(text)).replace("SOCKET", socket) for part in command]
        self.socket = socket if "tmux" in command[0] else None
        self.events: list[list] = []

    def run(self) -> None:
        child, self.master = pty.fork()
        if child == 0:
            os.environ.update(TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8", HOME=self.folder.name, PATH="/usr/bin:/bin")
            os.environ.pop("TMUX", None)
            os.chdir(self.folder.name)
            time.sleep(0.05)
            os.execvp(self.command[0], self.command)
        set_size(self.master, self.columns, self.rows)
        try:
            self.read_until_quiet(1.2)
            for step in self.steps:
                if step.startswith("m:"):
                    self.events.append(["m", step[2:]])
                    continue
                if step.startswith("w:"):
                    self.read_until(step[2:].encode())
                    continue
                if step.startswith("r:"):
                    columns, rows = map(int, step[2:].split("x"))
                    self.events.append(["r", columns, rows])
                    set_size(self.master, columns, rows)
                else:
                    os.write(self.master, step.encode())
                self.read_until_quiet(0.5)
        except OSError:
            pass
        finally:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(child, 0)
            if self.socket:
                os.system(f"tmux -L {self.socket} kill-server 2>/dev/null")

    def read_until(self, text: bytes) -> None:
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not any(text in event[1] for event in self.events if event[0] == "o"):
            self.read_until_quiet(0.5)
        self.read_until_quiet(3)

    def read_until_quiet(self, seconds: float) -> None:
        limit = time.monotonic() + 3
        while time.monotonic() < limit and select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536)
            if not data:
                return
            if self.events and self.events[-1][0] == "o":
                self.events[-1][1] += data
            else:
                self.events.append(["o", data])

    def save(self, path: pathlib.Path) -> None:
        self.events.append(["m", "end"])
        lines = []
        for event in self.events:
            if event[0] == "o":
                # What apt-get says about the machine's own lists and mirrors is nobody's business.
                event[1] = re.sub(rb"N: Ignoring file [^\n]*\n", b"", event[1])
                event[1] = re.sub(rb"Get:1 .*?B\]", b"Get:1 http://mirror.example hostname [10.5 kB]", event[1])
                event = ["o", base64.b64encode(event[1]).decode()]
            lines.append(json.dumps(event))
        head = json.dumps({"columns": self.columns, "rows": self.rows, "command": self.shown})[:-1]
        path.write_text(head + ', "events": [\n' + ",\n".join(lines) + "\n]}\n")


for name in sys.argv[1:] or SCENARIOS:
    recording = Recording(name)
    recording.run()
    target = HERE / "streams" / f"{name}.json"
    recording.save(target)
    print(f"{name}: {target.stat().st_size} bytes")
