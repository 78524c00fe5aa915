"""`copilot sftp` against OpenSSH's sshd: the prompt, transfers, batches, what is interrupted."""

import hashlib
import os
import signal
import stat
import time

import pexpect
import pytest

from file_tools import PROMPT, digest, fill, make_tree, person, plain  # noqa: F401
from ports import eventually

pytestmark = pytest.mark.timeout(60)


def ask(child, line):
    """Types a command and returns what it wrote."""
    child.send(line + "\r")
    child.expect_exact("\r\n")
    child.expect_exact(PROMPT)
    return plain(child.before)


def test_trees_arrive_as_they_are_in_both_directions(person):
    make_tree(person.work / "tree")
    done = person.sftp(f"cd {person.remote}\nput -pr tree\nget -pr tree back\n")
    assert done.returncode == 0, done.stderr
    assert digest(person.remote / "tree", times=True, modes=True) == digest(person.work / "tree", times=True, modes=True)
    assert digest(person.work / "back", times=True, modes=True) == digest(person.work / "tree", times=True, modes=True)


def test_the_prompt_does_what_its_commands_say(person):
    fill(person.work / "report", 1000)
    child = person.prompt()
    ask(child, f"cd {person.remote}")
    assert f"Remote working directory: {person.remote}" in ask(child, "pwd")
    assert f"Local working directory: {person.work}" in ask(child, "lpwd")
    ask(child, "mkdir sub")
    assert "Uploading report to" in ask(child, "put report sub")
    ask(child, "rename sub/report 'sub/the report'")
    ask(child, "ln -s 'the report' sub/link")
    ask(child, "ln 'sub/the report' sub/hard")
    ask(child, "chmod 600 sub/hard")
    assert stat.S_IMODE((person.remote / "sub/the report").stat().st_mode) == 0o600
    assert os.readlink(person.remote / "sub/link") == "the report"
    listed = ask(child, "ls -l sub")
    assert "-rw-------" in listed and "sub/the report" in listed and "lrwxrwxrwx" in listed and person.host.username in listed
    assert ask(child, "ls -1 sub").split() == ["sub/hard", "sub/link", "sub/the", "report"]
    assert "%Capacity" in ask(child, "df -h")
    ask(child, "cp sub/hard sub/copy")
    assert (person.remote / "sub/copy").read_bytes() == (person.work / "report").read_bytes()
    ask(child, "rm sub/*")
    ask(child, "rmdir sub")
    assert not (person.remote / "sub").exists()
    ask(child, "lmkdir here")
    ask(child, "lcd here")
    assert "report" in ask(child, "lls ..")
    assert "hello" in ask(child, "!echo hello from $PWD")
    assert "no such file" in ask(child, "get missing").lower()
    child.send("bye\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_lines_are_edited_kept_and_found_again(person):
    child = person.prompt()
    assert "Local working" in ask(child, "XXlpwd\x01\x1b[3~\x1b[3~")
    child.send("\x1b[A")
    assert "Local working" in ask(child, "")
    child.send("\x12lpw")
    assert "Local working" in ask(child, "")
    child.send("put nothing\x03")
    child.expect_exact(PROMPT)
    child.send("\x1b[200~pwd\nrm *\n\x1b[201~\x15")
    assert "Remote working" in ask(child, "pwd")
    child.sendeof()
    child.expect(pexpect.EOF)
    history = person.home / ".local/state/copilot/sftp-history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert history.read_text().splitlines() == ["lpwd", "pwd"]


def test_tab_completes_commands_and_names_on_both_sides(person):
    fill(person.remote / "annual report.txt", 10)
    fill(person.remote / "accounts.txt", 10)
    (person.remote / "folder").mkdir()
    fill(person.work / "local file", 10)
    person.own(person.remote)
    child = person.prompt()
    ask(child, f"cd {person.remote}")
    child.send("ge\t")
    child.expect_exact("get ")
    child.send("an\t")
    child.expect_exact("annual\\ report.txt ")
    ask(child, "")
    assert (person.work / "annual report.txt").exists()
    child.send("ls a\t")
    child.expect("accounts.txt +annual report.txt")
    child.send("\x15cd fo\t")
    child.expect_exact("folder/")
    child.send("\x15put 'lo\t")
    child.expect_exact("'local file' ")
    ask(child, "")
    assert (person.remote / "local file").exists()
    child.sendeof()
    child.expect(pexpect.EOF)


def test_patterns_mean_files_on_both_sides_and_quotes_take_that_away(person):
    for name in ("a1.c", "a2.c", "b.h", "*.c"):
        fill(person.work / "src" / name, 10, seed=hash(name))
    done = person.sftp(f'lcd src\ncd {person.remote}\nput *.c\nlcd ..\nget a[12].c\nget "*.c" star\nrm "*.c"\n')
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in person.remote.iterdir()) == ["a1.c", "a2.c"]
    assert (person.work / "a1.c").exists() and (person.work / "star").exists() and not (person.work / "b.h").exists()


def test_a_batch_ends_at_its_first_failure_unless_the_line_allows_it(person):
    fill(person.work / "f", 10)
    stopped = person.sftp(f"cd {person.remote}\nget missing\nput f\n")
    assert stopped.returncode == 1 and "missing" in stopped.stderr
    assert "sftp> get missing" in stopped.stdout
    assert not (person.remote / "f").exists()
    allowed = person.sftp(f"cd {person.remote}\n-get missing\n@put f\n")
    assert allowed.returncode == 0 and (person.remote / "f").exists()
    assert "put f" not in allowed.stdout
    commands = person.work / "commands"
    commands.write_text(f"cd {person.remote}\nrm f\n")
    assert person.run("sftp", "-b", commands, "web").returncode == 0
    assert not (person.remote / "f").exists()
    assert person.run("sftp", "-b", "/no/such/file", "web").returncode == 1


def test_lines_of_a_pipe_are_done_one_after_another_whatever_fails(person):
    fill(person.work / "f", 10)
    done = person.run("sftp", "web", input=f"cd {person.remote}\nnonsense\nget missing\nput f\n")
    assert done.returncode == 0 and (person.remote / "f").exists()
    assert "no command 'nonsense'" in done.stderr


def test_the_command_line_fetches_a_file_or_begins_in_a_directory(person):
    fill(person.remote / "f", 1000)
    person.own(person.remote)
    assert person.run("sftp", f"web:{person.remote}/f").returncode == 0
    assert (person.work / "f").read_bytes() == (person.remote / "f").read_bytes()
    assert person.run("sftp", f"web:{person.remote}/f", "other").returncode == 0
    assert (person.work / "other").exists()
    begun = person.run("sftp", f"web:{person.remote}", input="pwd\n")
    assert f"Changing to: {person.remote}" in begun.stdout
    assert person.run("sftp", "-b", "-", f"web:{person.remote}/missing", input="").returncode == 1


def test_progress_is_drawn_at_a_terminal_ten_times_a_second_at_most_and_nowhere_else(person):
    fill(person.work / "big.bin", 6_000_000)
    child = person.prompt("-l", "24000", columns=70)
    ask(child, f"cd {person.remote}")
    started = time.monotonic()
    output = ask_raw(child, "put big.bin")
    seconds = time.monotonic() - started
    drawings = output.count("\r\x1b[J")
    assert 3 <= drawings <= 10 * seconds + 3, (drawings, seconds)
    assert "ETA" in output and "100%" in output and "5.7M" in output
    assert 1 < seconds < 8, "24000 Kbit/s are three megabytes a second"
    rows = [row for row in plain(output).replace("\r", "\n").split("\n") if "%" in row]
    assert max(map(len, rows)) < 70
    child.sendeof()
    child.expect(pexpect.EOF)
    quiet = person.sftp(f"cd {person.remote}\nget big.bin\n")
    assert "ETA" not in quiet.stdout and "\x1b" not in quiet.stdout


def ask_raw(child, line):
    child.send(line + "\r")
    child.expect_exact("\r\n")
    child.expect_exact(PROMPT)
    return child.before


def test_a_tree_shows_each_file_and_the_sum(person):
    make_tree(person.work / "tree", files=10)
    child = person.prompt(columns=100)
    ask(child, f"cd {person.remote}")
    shown = ask(child, "put -r tree")
    assert "file 3.txt" in shown and "13/13 files, tree" in shown and "100%" in shown
    child.sendeof()
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("direction", ["get", "put"])
def test_ctrl_c_ends_a_transfer_and_not_the_visit_and_it_is_resumed(person, direction):
    source, target = (person.remote, person.work) if direction == "get" else (person.work, person.remote)
    fill(source / "big.bin", 5_000_000)
    person.own(person.remote)
    child = person.prompt("-l", "8000")
    ask(child, f"cd {person.remote}")
    child.send(f"{direction} big.bin\r")
    child.expect_exact("\r\n")
    eventually(lambda: (target / "big.bin").exists() and (target / "big.bin").stat().st_size > 600_000, "some arrived")
    child.sendintr()
    child.expect_exact(PROMPT)
    shown = plain(child.before)
    assert "Interrupted." in shown and "holds the first" in shown and f"re{direction}" in shown
    left = (target / "big.bin").stat().st_size
    assert 0 < left < 5_000_000
    assert (target / "big.bin").read_bytes() == (source / "big.bin").read_bytes()[:left]
    child.sendeof()
    child.expect(pexpect.EOF)
    resumed = person.sftp(f"cd {person.remote}\nre{direction} big.bin\n")
    assert resumed.returncode == 0, resumed.stderr
    assert (target / "big.bin").read_bytes() == (source / "big.bin").read_bytes()


def test_what_does_not_agree_is_not_resumed(person):
    fill(person.remote / "f", 2_000_000, seed=1)
    fill(person.work / "f", 1_000_000, seed=2)
    person.own(person.remote)
    before = (person.work / "f").read_bytes()
    done = person.sftp(f"cd {person.remote}\nreget f\n")
    assert done.returncode == 1 and "cannot be resumed" in done.stderr
    assert (person.work / "f").read_bytes() == before


def test_a_connection_that_is_lost_names_what_was_left(person):
    fill(person.remote / "big.bin", 8_000_000)
    person.own(person.remote)
    child = person.at_terminal("sftp", "-l", "8000", f"web:{person.remote}/big.bin")
    eventually(lambda: (person.work / "big.bin").exists() and (person.work / "big.bin").stat().st_size > 300_000, "some")
    person.host.kill_sessions()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 255
    assert "big.bin” holds the first" in plain(child.before)
    left = (person.work / "big.bin").read_bytes()
    assert left == (person.remote / "big.bin").read_bytes()[:len(left)]


def test_a_full_disk_and_a_missing_permission_are_told(person, folder):
    small = folder / "small"
    small.mkdir()
    if os.system(f"mount -t tmpfs -o size=1m tmpfs {small} 2>/dev/null") != 0:
        pytest.skip("no file system can be mounted here")
    try:
        fill(person.remote / "big.bin", 3_000_000)
        (person.remote / "closed").mkdir()
        person.own(person.remote)
        (person.remote / "closed").chmod(0)
        os.chown(person.remote / "closed", 0, 0)
        done = person.sftp(f"cd {person.remote}\nget big.bin {small}/f\n")
        assert done.returncode == 1 and "No space left" in done.stderr and "holds the first" in done.stderr
        denied = person.sftp(f"put ../.ssh/config {person.remote}/closed/f\n")
        assert denied.returncode == 1 and "ermission denied" in denied.stderr
    finally:
        os.system(f"umount {small}")


def test_names_of_a_host_do_nothing_to_the_terminal(person):
    fill(person.remote / "evil\x1b]0;owned\x07\x1b[31m\nname", 10)
    person.own(person.remote)
    child = person.prompt()
    ask(child, f"cd {person.remote}")
    for line in ("ls", "ls -l", "get *"):
        child.send(line + "\r")
        child.expect_exact("\r\n")
        child.expect_exact(PROMPT)
        assert "\x1b]0;" not in child.before and "\x1b[31m" not in child.before
    child.sendeof()
    child.expect(pexpect.EOF)


def test_sigterm_ends_it_and_leaves_the_terminal_as_it_was(person):
    child = person.prompt()
    child.kill(signal.SIGTERM)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 143


def test_help_has_examples_and_wrong_use_its_own_status(person):
    for tool in ("sftp", "scp"):
        shown = person.run(tool, "--help")
        assert shown.returncode == 0 and "EXAMPLE" in shown.stdout and f"copilot {tool} [options]" in shown.stdout
    child = person.run("sftp", "-Z", "web")
    assert child.returncode == 1 and "unknown option -Z" in child.stderr
