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
