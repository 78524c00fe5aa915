import { changeSettings, store } from "./store";

// The service worker makes the page open without a link. Registering one where the browser doesn't trust the certificate
// only writes an error into its console, so it is done where trust is certain: without TLS on this machine, once the
// page is installed or the browser offers that (it never does over a certificate it doubts), or because the person asks.

let isOffered = false;
window.addEventListener("beforeinstallprompt", () => {
    isOffered = true;
    if (store.get().phase === "signed-in") void keepPageAtHand();
});

const isInstalled = () => matchMedia("(display-mode: standalone)").matches;

/** Called at each sign-in; does nothing where nothing speaks for it. */
export function offerPageOffline() {
    const isWanted = store.get().settings.keepOffline || isOffered || isInstalled() ||
        window.location.protocol === "http:";
    if (isWanted) void keepPageAtHand();
}

/** False when the browser refuses. */
export async function keepPageAtHand(): Promise<boolean> {
    if (!("serviceWorker" in navigator)) return false;
    try {
        await navigator.serviceWorker.register("/sw.js");
        return true;
    } catch {
        return false;
    }
}

/** The person's own choice, in the settings; turning it off also removes what was kept. */
export async function choosePageOffline(isOn: boolean): Promise<boolean> {
    const done = !isOn || (await keepPageAtHand());
    changeSettings({ keepOffline: isOn && done });
    if (isOn) return done;
    for (const registration of await navigator.serviceWorker?.getRegistrations() ?? []) await registration.unregister();
    for (const name of await window.caches?.keys() ?? []) await caches.delete(name);
    return true;
}
