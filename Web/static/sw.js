// Keeps the page itself at hand, so that it opens without a link and shows the host list it last saw.
// Nothing of the server's data passes through here: /api and /auth always go to the network.
const VERSION = "__VERSION__";
const SHELL = __SHELL__;
const CACHE = "copilot-" + VERSION;

self.addEventListener("install", (event) => {
    event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
    event.waitUntil(
        caches.keys()
            .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
            .then(() => self.clients.claim()),
    );
});

self.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
    if (url.pathname.startsWith("/assets/")) {
        event.respondWith(caches.match(event.request).then((hit) => hit ?? fetchAndKeep(event.request)));
    } else if (url.pathname === "/") {
        event.respondWith(fetch(event.request).catch(() => caches.match("/").then((hit) => hit ?? Response.error())));
    }
});

async function fetchAndKeep(request) {
    const response = await fetch(request);
    if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
    return response;
}

// What the copilot tells this device: which notice, of what kind and where it leads. Its words are asked for here, with
// this browser's own sign-in; a device that is signed out shows nothing of anybody.
const KINDS = {
    "keyboard.requested": "Somebody asks for the keyboard",
    "handoff.offered": "A session is offered to you",
    "session.invited": "You are invited to a session",
    "host.key_changed": "A host shows another key",
    "agent.request": "An agent asks for permission",
    "chat.mention": "Somebody mentions you",
    "push.test": "This device is reached",
};

self.addEventListener("push", (event) => event.waitUntil(told(event.data)));

async function told(data) {
    let notice = {};
    try {
        notice = data.json();
    } catch {
        // Not ours; something is shown all the same, as the browser demands.
    }
    const windows = await self.clients.matchAll({ type: "window" });
    for (const page of windows) page.postMessage({ type: "copilot.notice", id: notice.id });
    const link = typeof notice.link === "string" && /^\/(?!\/)/.test(notice.link) ? notice.link : "/inbox";
    const isUrgent = notice.kind !== "chat.mention" && notice.kind !== "session.invited";
    await self.registration.showNotification("SSH Copilot", {
        body: (await wordsOf(notice.id)) ?? KINDS[notice.kind] ?? "Something waits for you",
        tag: notice.id,
        icon: "/icons/icon-192.png",
        badge: "/icons/icon-192.png",
        requireInteraction: isUrgent,
        silent: windows.some((page) => page.focused),
        data: { link },
    });
    if (self.navigator.setAppBadge) await self.navigator.setAppBadge().catch(() => undefined);
}

async function wordsOf(id) {
    try {
        const answer = await fetch("/api/inbox", { credentials: "same-origin", cache: "no-store" });
        if (!answer.ok) return null;
        const { notices } = await answer.json();
        return notices.find((notice) => notice.id === id)?.text ?? null;
    } catch {
        return null;
    }
}

self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(show("/#" + (event.notification.data?.link ?? "/inbox")));
});

async function show(place) {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const page = pages.find((one) => one.focused) ?? pages[0];
    if (!page) return self.clients.openWindow(place);
    await page.focus().catch(() => undefined);
    page.postMessage({ type: "copilot.go", place });
}
