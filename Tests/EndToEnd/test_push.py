"""Push by the web's standard to an endpoint of the tests' own, its delivery in a browser, and the inbox beside it."""

import pytest
from playwright.sync_api import expect

from ports import eventually
from push_service import PushService, Subscription, check_identity


@pytest.fixture
def service(folder):
    made = PushService(folder)
    yield made
    made.stop()


@pytest.fixture
def told(make_copilot, service):
    """Ada at a copilot that may speak to the push service of this machine."""
    copilot = make_copilot("--push-addresses", "127.0.0.0/8", "--push-authority", str(service.authority), start=False)
    copilot.password = copilot.add_user("ada")
    copilot.start()
    return copilot.person("ada", copilot.password)


def test_a_message_is_encrypted_signed_and_leads_to_its_place(told, service):
    subscription = Subscription(service.endpoint())
    told.post("/api/push/devices", subscription.body).expect(201)
    key = told.get("/api/push/key").expect(200)["publicKey"]
    assert told.post("/api/push/test").expect(200)["sent"] == 1
    path, headers, body = eventually(lambda: service.messages and service.messages[0], "the message arrives")
    assert path == "/push/one" and headers["Content-Encoding"] == "aes128gcm" and int(headers["TTL"]) > 0
    assert headers["Urgency"] == "high"
    check_identity(headers["Authorization"], key, f"https://localhost:{service.port}")
    message = subscription.read(body)
    notice = told.get("/api/inbox").expect(200)["notices"][0]
    assert message == {"id": notice["id"], "kind": "push.test", "link": "/inbox"}, "no words travel"


def test_a_device_that_the_browser_took_back_is_forgotten(told, service):
    service.status = 410
    told.post("/api/push/devices", Subscription(service.endpoint()).body).expect(201)
    told.post("/api/push/test").expect(200)
    eventually(lambda: told.get("/api/push/devices").expect(200)["devices"] == [], "the device is gone")
    assert len(service.messages) == 1


def test_nothing_private_is_spoken_to_unless_an_admin_says_so(copilot, ada, service):
    ada.post("/api/push/devices", Subscription(service.endpoint()).body).expect(201)
    for endpoint in ("http://localhost/x", "https://127.0.0.1/x", "https://[::1]:9/x", "https://a:b@localhost/x"):
        refused = ada.post("/api/push/devices", Subscription(endpoint).body).expect(422)
        assert refused["field"] == "endpoint"
    ada.post("/api/push/test").expect(200)
    eventually(lambda: ada.get("/api/inbox").expect(200)["unread"] == 1, "the inbox has it")
    # The device has failed for good when it was tried; a second message proves that the queue went on.
    ada.post("/api/push/test").expect(200)
    eventually(lambda: ada.get("/api/inbox").expect(200)["unread"] == 2, "the inbox has the second")
    assert service.messages == []


def test_a_browser_shows_it_and_the_inbox_has_it(profile, request):
    if not profile.is_phone:
        pytest.skip("it is the same worker")
    copilot, ada = request.getfixturevalue("copilot"), request.getfixturevalue("ada")
    tab = request.getfixturevalue("open_tab")(copilot).sign_in("ada", copilot.password)
    tab.context.grant_permissions(["notifications", "clipboard-read"], origin=tab.base)
    tab.go("settings")
    tab.press("settings-keep-offline")
    tab.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    cdp = tab.context.new_cdp_session(tab.page)
    registrations = []
    cdp.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    cdp.send("ServiceWorker.enable")
    registration = eventually(lambda: tab.page.evaluate("1") and registrations, "the worker is known")[0]
    ada.post("/api/push/test").expect(200)
    notice = eventually(lambda: ada.get("/api/inbox").expect(200)["notices"], "the notice is kept")[0]
    cdp.send("ServiceWorker.deliverPushMessage", {
        "origin": tab.base, "registrationId": registration["registrationId"],
        "data": '{"id": "%s", "kind": "push.test", "link": "/inbox"}' % notice["id"]})
    shown = eventually(lambda: tab.page.evaluate("""async () => {
        const registration = await navigator.serviceWorker.ready;
        return (await registration.getNotifications()).map((one) => [one.title, one.body, one.data.link]);
    }"""), "a notification is shown")
    assert shown == [["SSH Copilot", notice["text"], "/inbox"]]
    # The rail has one, too, which a phone does not show.
    unread = tab.page.locator("[data-testid=inbox-unread]:visible")
    expect(unread).to_have_count(1)
    tab.screenshot("unread")
    tab.go("inbox")
    row = tab.sees("inbox-notice")
    expect(row).to_contain_text("This device is reached")
    tab.screenshot("inbox")
    tab.press("inbox-notice")
    expect(tab.page.locator("[data-testid=inbox-notice][data-unread=true]")).to_have_count(0)
    expect(unread).to_have_count(0)
