"""What people tend in the page beside their sessions: keys, passwords, settings, each other and the log."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def tab(ready, open_tab):
    """Ada, signed in, with the host `web-1`."""
    return open_tab(ready).sign_in("ada", ready.password)


def test_after_an_alarm_the_recorded_key_can_be_kept(tab, host):
    tab.expects("409")
    files = {path: path.read_bytes() for path in host.folder.glob("host_key*")}
    recorded = host.fingerprint
    host.stop()
    host.make_host_key()
    host.start()
    tab.go("hosts")
    tab.press_on(tab.host("web-1").get_by_test_id("host-connect"))
    tab.sees("changed-key")
    tab.press("keep-key")
    tab.screenshot("keep-key")
    tab.press("keep-key-confirm")
    host.stop()
    for path, content in files.items():
        path.write_bytes(content)
    host.start()
    assert host.fingerprint == recorded
    expect(tab.host("web-1").get_by_test_id("host-key-alert")).to_be_hidden()
    tab.connect("web-1")


def test_a_wrong_current_password_is_told_at_its_field(tab):
    tab.go("settings")
    tab.press("password-open")
    tab.fill("password-current", "not the right one")
    tab.fill("password-new", "another horse in the rain")
    tab.press("password-submit")
    expect(tab.get("password-form")).to_contain_text("This is not your current password.")
    tab.fill("password-current", tab.copilot.password)
    tab.press("password-submit")
    expect(tab.get("password-form")).to_be_hidden()
    tab.go("hosts")
    tab.sees("host-card")
    assert tab.copilot.person("ada", "another horse in the rain")


def test_an_empty_number_of_minutes_is_refused_at_its_field(tab, ready):
    ada = ready.person("ada", ready.password)
    before = ada.get("/api/settings").expect(200)["seatlessMinutes"]
    tab.go("settings")
    tab.fill("settings-seatless", "")
    tab.press("settings-seatless-save")
    expect(tab.page.locator("#settings-seatless-note")).to_contain_text("Whole minutes, from 1")
    tab.screenshot("minutes")
    assert ada.get("/api/settings").expect(200)["seatlessMinutes"] == before
    tab.fill("settings-seatless", "45")
    tab.press("settings-seatless-save")
    expect(tab.get("settings-seatless-save")).to_be_disabled()
    expect(tab.get("settings-seatless-save")).not_to_have_attribute("aria-busy", "true")
    assert ada.get("/api/settings").expect(200)["seatlessMinutes"] == 45


def test_a_new_key_shows_its_line_again_and_no_old_test(tab, host):
    tab.go("hosts")
    tab.press_on(tab.host("web-1").get_by_test_id("host-open"))
    tab.press("host-test-run")
    expect(tab.get("host-test")).to_contain_text("All good")
    tab.press("credential-replace")
    tab.press("credential-kind-generated")
    tab.press("credential-save")
    line = tab.sees("authorized-keys-line").inner_text()
    assert line.startswith("ssh-ed25519 ")
    expect(tab.get("host-test")).not_to_contain_text("All good")
    tab.page.reload()
    expect(tab.sees("authorized-keys-line")).to_have_text(line)
    tab.screenshot("key-line")
    host.authorize(line)
    tab.press("host-test-run")
    expect(tab.get("host-test")).to_contain_text("All good")


def test_a_forgotten_password_is_mended_by_a_new_link(tab, ready, open_tab):
    ready.add_user("grace", "devops")
    grace = open_tab(ready).sign_in("grace", "correct horse battery")
    tab.go("people")
    row = tab.page.locator("[data-testid=user-row][data-user=grace]")
    tab.press_on(row.get_by_test_id("user-invite"))
    tab.press("user-invite-confirm")
    link = tab.sees("invitation-link").inner_text()
    tab.screenshot("new-link")
    grace.page.reload()
    grace.sees("sign-in-form")
    grace.accept_invitation(link, "another horse in the rain")
    ready.person("grace", "another horse in the rain")
    assert "user.invite" in {entry["action"] for entry in ready.person("ada", ready.password).audit()}


def test_the_log_is_filtered_by_part_of_a_name_and_by_every_action(tab, ready):
    ready.cli("user", "add", "lovelace", "--name", "Countess", "--role", "devops", "--password-stdin",
              stdin="correct horse battery\n")
    ready.person("lovelace", "correct horse battery")
    tab.go("audit")
    rows = tab.page.locator("[data-testid=audit-row]")
    for part in ("ount", "COUNTESS", "Lovel"):
        tab.fill("audit-actor", part)
        tab.press("audit-apply")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("Countess")
    offered = tab.get("audit-action").locator("option").all_inner_texts()
    log = ready.person("ada", ready.password).audit()
    assert {entry["action"] for entry in log} | {"session.share", "recording.export", "host.key_kept"} <= set(offered)


def test_a_name_that_is_taken_is_told_before_the_fingerprint_is_read(tab, host):
    tab.go("hosts")
    tab.sees("host-card")
    tab.press("host-add")
    tab.fill("wizard-address", host.address)
    tab.fill("wizard-port", str(host.port))
    tab.fill("wizard-username", host.username)
    tab.fill("wizard-alias", "WEB-1")
    tab.press("wizard-next")
    expect(tab.get("wizard-details")).to_contain_text("Another host has this name already")
    tab.fill("wizard-alias", "web-2")
    tab.press("wizard-next")
    tab.sees("wizard-fingerprint-value")


def test_who_is_alone_is_led_to_the_people(tab):
    tab.connect("web-1")
    tab.press_on(tab.get("people-open"))
    tab.press("invite-add")
    tab.sees("people-table")
