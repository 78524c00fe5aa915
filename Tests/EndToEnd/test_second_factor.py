"""The second factor: on the page, on the command line and on the SSH port, with OpenSSH's client as it is."""

import json
import pathlib
import re
import shutil
import subprocess

import pexpect
import pytest
from playwright.sync_api import expect

from authenticator import Authenticator
from copilot import Person
from plain_ssh import Client


def enrolled(copilot, name, role="admin"):
    """Somebody who is asked for a code, made by the command line."""
    password = copilot.add_user(name, role)
    process = pexpect.spawn(
        str(copilot.process.arguments[0]), ["user", "totp", "add", name, "--json", *copilot.settings],
        env=copilot.environment, encoding="utf-8", timeout=20, echo=False)
    process.expect(r"\{[^}]*\}")
    app = Authenticator(json.loads(process.match.group())["secret"])
    process.sendline(app.code())
    process.expect(r"\{[^}]*\}")
    codes = json.loads(process.match.group())["recoveryCodes"]
    process.expect(pexpect.EOF)
    return password, app, codes


def signs_in(copilot, username, password, code=None):
    return Person(copilot).post("/auth/sign-in", {"username": username, "password": password, "code": code})


def test_enrolment_on_the_page_and_the_next_sign_in(copilot, open_tab):
    tab = open_tab(copilot).sign_in("ada", copilot.password)
    tab.go("settings")
    expect(tab.sees("second-factor")).to_have_attribute("data-on", "false")
    tab.press("second-factor-open")
    tab.expects("status of 401")
    tab.fill("second-factor-password", "not my password")
    tab.press("second-factor-submit")
    expect(tab.page.get_by_text("This is not your password.")).to_be_visible()
    tab.fill("second-factor-password", copilot.password)
    tab.press("second-factor-submit")
    secret = tab.sees("second-factor-secret").inner_text()
    tab.get("second-factor-picture").scroll_into_view_if_needed()
    tab.screenshot("picture")
    read_picture(tab, secret)
    app = Authenticator(secret)
    tab.fill("second-factor-code", "000000")
    tab.press("second-factor-submit")
    expect(tab.page.get_by_text("The code is wrong, or it was used already.")).to_be_visible()
    tab.fill("second-factor-code", app.code())
    tab.press("second-factor-submit")
    recovery = tab.sees("recovery-codes").inner_text().split()
    assert len(recovery) == 10
    tab.screenshot("recovery-codes")
    tab.press("recovery-codes-done")
    expect(tab.sees("second-factor")).to_have_attribute("data-on", "true")
    tab.screenshot("on")
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sign_in_with_a_code(open_tab(copilot), copilot, app, recovery)


def read_picture(tab, secret):
    """What a phone's camera would read; where no reader is installed, the other checks have to do."""
    if shutil.which("zbarimg") is None:
        return
    folder = pathlib.Path(tab.copilot.folder)
    picture = folder / "picture.png"
    tab.get("second-factor-picture").screenshot(path=picture)
    read = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, text=True, check=True).stdout
    assert read.strip() == (
        f"otpauth://totp/SSH%20Copilot:ada?secret={secret.replace(' ', '')}&issuer=SSH%20Copilot")


def sign_in_with_a_code(tab, copilot, app, recovery):
    tab.open("/sign-in")
    tab.fill("sign-in-username", "ada")
    tab.fill("sign-in-password", copilot.password)
    assert not tab.get("sign-in-code").is_visible()
    tab.press("sign-in-submit")
    tab.sees("sign-in-code")
    tab.screenshot("code-asked")
    tab.fill("sign-in-code", "000000")
    tab.press("sign-in-submit")
    expect(tab.sees("sign-in-error")).to_have_attribute("data-code", "wrong_code")
    tab.fill("sign-in-code", app.code())
    tab.press("sign-in-submit")
    expect(tab.page).to_have_url(re.compile("#/hosts$"))
    tab.go("settings")
    tab.press("second-factor-remove")
    tab.fill("second-factor-password", copilot.password)
    tab.fill("second-factor-code", recovery[0])
    tab.press("second-factor-submit")
    expect(tab.sees("second-factor")).to_have_attribute("data-on", "false")


def test_the_command_line_and_the_sign_in_without_a_page(copilot):
    password, app, codes = enrolled(copilot, "tess")
    signs_in(copilot, "tess", password).refused(401, "second_factor_required")
    code = app.code()
    assert signs_in(copilot, "tess", password, code).status == 200
    signs_in(copilot, "tess", password, code).refused(401, "wrong_code")
    assert signs_in(copilot, "tess", password, codes[3]).status == 200
    listed = {row["user"]: row for row in json.loads(copilot.cli("user", "totp", "list", "--json").stdout)}
    assert listed["tess"]["recoveryCodesLeft"] == 9 and "since" not in listed["ada"]
    shown = copilot.cli("user", "totp", "add", "ada", stdin="123456\n", check=False)
    assert shown.returncode != 0 and "otpauth://totp/" in shown.stdout and "█" in shown.stdout
    copilot.cli("user", "totp", "remove", "tess")
    assert signs_in(copilot, "tess", password).status == 200


@pytest.mark.parametrize("methods", ["keyboard-interactive", "password,keyboard-interactive"])
def test_the_ssh_port_asks_for_password_and_code(copilot, folder, methods):
    password, app, codes = enrolled(copilot, "tess")
    client = Client(folder, copilot, "tess", key=False)
    client.config.write_text(client.config.read_text() + f"  PreferredAuthentications {methods}\n")
    terminal = client.terminal("gate", "hosts")
    terminal.expect("[Pp]assword: ")
    terminal.sendline(password)
    terminal.expect("Code of your authenticator app: ")
    terminal.sendline("000000")
    terminal.expect("[Pp]assword: ")
    terminal.sendline(password)
    terminal.expect("Code of your authenticator app: ")
    code = app.code()
    terminal.sendline(code)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    for answer, is_in in [(code, False), (codes[0], True)]:
        again = client.terminal("gate", "hosts")
        again.expect("[Pp]assword: ")
        again.sendline(password)
        again.expect("Code of your authenticator app: ")
        again.sendline(answer)
        again.expect([pexpect.EOF, "[Pp]assword: "])
        again.close()
        assert (again.exitstatus == 0) == is_in
    wrong = client.terminal("gate", "hosts")
    wrong.expect("[Pp]assword: ")
    wrong.sendline("a wrong password")
    # No question for a code follows, and so nothing is learnt.
    wrong.expect("[Pp]assword: ")
    wrong.close(force=True)


def test_a_key_needs_no_code(copilot, folder):
    enrolled(copilot, "tess")
    assert Client(folder, copilot, "tess").ssh("gate", "hosts").returncode == 0
