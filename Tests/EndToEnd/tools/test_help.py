"""Every command of `copilot` explains itself, completes itself, and has a manual page."""

import functools
import json
import os
import re
import shutil
import subprocess

import pytest

from copilot import BINARY, ROOT


def run(*arguments, **more):
    return subprocess.run([str(BINARY), *arguments], capture_output=True, text=True, timeout=60, **more)


@functools.cache
def dump():
    return json.loads(run("--experimental-dump-help").stdout)["command"]


def commands(command=None, path=()):
    """Every command with its words, folders of commands too. `help` is the parser's own; hidden ones are for ourselves."""
    command = command or dump()
    yield path, command
    for below in command.get("subcommands", []):
        if below["commandName"] != "help" and below.get("shouldDisplay", True):
            yield from commands(below, (*path, below["commandName"]))


def test_every_command_explains_itself_with_an_example():
    wrong = []
    for path, command in commands():
        done = run(*path, "--help")
        name = " ".join(("copilot", *path))
        if done.returncode != 0 or "usage" not in done.stdout.lower():
            wrong.append(f"{name}: --help ends with {done.returncode}")
        if not command.get("abstract"):
            wrong.append(f"{name}: no abstract")
        is_folder = bool(command.get("subcommands")) and not command.get("discussion")
        if not is_folder and not re.search(r"^EXAMPLE", done.stdout, re.M):
            wrong.append(f"{name}: no EXAMPLE")
    assert not wrong, "\n".join(wrong)


def test_help_fits_a_terminal_of_80_columns():
    """What is beyond it was wrapped by hand for a wider one; only the parser's own synopses are as long as they are."""
    wrong = []
    for path, _ in commands():
        shown = run(*path, "--help", env={**os.environ, "COLUMNS": "80"}).stdout
        lines = [line for line in shown.splitlines() if not line.startswith("USAGE:")]
        wrong += [f"{' '.join(path)}: {line}" for line in lines if len(line) > 80]
        # A paragraph that was wrapped twice has short lines between long ones, on which the next word had room.
        for one, two, three in zip(lines, lines[1:], lines[2:]):
            is_prose = min(len(one), len(three)) > 60 and two and not any(line.startswith(" ") for line in (one, two, three))
            if is_prose and len(two) + len(three.split()[0]) < 60:
                wrong.append(f"{' '.join(path)}: wrapped twice: {two}")
    assert not wrong, "\n".join(wrong)


def test_every_option_says_what_it_does():
    wrong = [
        f"{' '.join(('copilot', *path))} {option.get('valueName')}" for path, command in commands()
        for option in command.get("arguments", [])
        if option.get("shouldDisplay", True) and not option.get("abstract") and option.get("valueName") not in ("help", "version")
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("shell, checker", [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])])
def test_completions_are_made_for_every_command(folder, shell, checker):
    script = run("--generate-completion-script", shell)
    assert script.returncode == 0
    for path, _ in commands():
        assert all(word in script.stdout for word in path)
    (folder / "completion").write_text(script.stdout)
    if shutil.which(checker[0]):
        done = subprocess.run([*checker, str(folder / "completion")], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line, offers", [
    ("copilot key", {"keygen", "keyscan"}), ("copilot agent a", {"add"}), ("copilot rec --for", {"--format"}),
    ("copilot keygen --finger", {"--fingerprint", "--fingerprint-hash"}),
])
def test_bash_completes_words(folder, line, offers):
    (folder / "completion").write_text(run("--generate-completion-script", "bash").stdout)
    words = line.split(" ")
    script = f"""
        source {folder}/completion
        COMP_WORDS=({line}) COMP_CWORD={len(words) - 1} COMP_LINE='{line}' COMP_POINT={len(line)} COMP_TYPE=9
        _copilot copilot '{words[-1]}' '{words[-2]}'
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    found = {word.strip() for word in done.stdout.split()}
    assert offers <= found, done.stdout + done.stderr
    assert all(word.startswith(words[-1]) for word in found)


def test_each_command_has_a_manual_page_that_man_can_show(folder):
    subprocess.run(
        [str(ROOT / "scripts/man-pages"), str(BINARY), str(folder)], check=True, capture_output=True, timeout=120)
    for path, command in commands():
        page = folder / ("-".join(("copilot", *path)) + ".1")
        text = page.read_text()
        assert text.startswith(".TH ") and ".SH NAME" in text and ".SH SYNOPSIS" in text
        for option in command.get("arguments", []):
            for name in option.get("names") or []:
                if option.get("shouldDisplay", True) and name["kind"] == "long":
                    assert "\\-\\-" + name["name"].replace("-", "\\-") in text, (path, name)
    if shutil.which("man"):
        shown = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", str(folder / "copilot-keygen.1")], capture_output=True, text=True,
            env={"MANWIDTH": "78", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, timeout=30)
        assert shown.returncode == 0 and "EXAMPLE" in shown.stdout and not shown.stderr, shown.stderr
