import { api } from "../api/client";
import { keepPageAtHand } from "../app/offline";

// The web's own push: this browser asks its maker's push service for an address, and the copilot sends to it what only
// this browser can read.

export type PushState = "unsupported" | "denied" | "off" | "on";

const isSupported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** On an iPhone there is no push for a page in a tab, only for one on the home screen. */
export const needsInstalling = () =>
    /iPhone|iPad|iPod/.test(navigator.userAgent) && !matchMedia("(display-mode: standalone)").matches;

export async function pushState(): Promise<PushState> {
    if (!isSupported()) return "unsupported";
    if (Notification.permission === "denied") return "denied";
    const registration = await navigator.serviceWorker.getRegistration();
    return (await registration?.pushManager.getSubscription()) ? "on" : "off";
}

/** Called in a tap: browsers ask for the permission at no other time. */
export async function turnPushOn(): Promise<PushState> {
    if (!isSupported()) return "unsupported";
    if ((await Notification.requestPermission()) !== "granted") return "denied";
    if (!(await keepPageAtHand())) return "unsupported";
    const registration = await navigator.serviceWorker.ready;
    // One that is left over may be of another copilot's key, with which the browser refuses a new one.
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    const subscription = await registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: bytesOf(await api.pushKey()),
    });
    const { endpoint, keys } = subscription.toJSON();
    await api.addPushDevice({
        endpoint: endpoint ?? "",
        keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" },
        device: deviceName(navigator.userAgent),
    });
    return "on";
}

export async function turnPushOff(): Promise<void> {
    const registration = await navigator.serviceWorker.getRegistration();
    await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

export function bytesOf(base64url: string): Uint8Array {
    const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** "Chrome on Android": what a person knows their device by. */
export function deviceName(agent: string): string {
    const browser = /Edg/.test(agent)
        ? "Edge"
        : /Firefox|FxiOS/.test(agent)
        ? "Firefox"
        : /Chrome|CriOS/.test(agent)
        ? "Chrome"
        : /Safari/.test(agent)
        ? "Safari"
        : "A browser";
    const system = /Android/.test(agent)
        ? "Android"
        : /iPhone/.test(agent)
        ? "iPhone"
        : /iPad/.test(agent)
        ? "iPad"
        : /Mac OS X/.test(agent)
        ? "macOS"
        : /Windows/.test(agent)
        ? "Windows"
        : /Linux/.test(agent)
        ? "Linux"
        : "";
    return system ? `${browser} on ${system}` : browser;
}
