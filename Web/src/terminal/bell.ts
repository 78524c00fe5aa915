import { store } from "../app/store";
import { inert } from "../ui/text";

/** A program that rings all the time is heard once in a while. */
const QUIET_FOR = 400;
let last = 0;
let audio: AudioContext | null = null;

/** The host rings: as the person chose, the pane lights up, a short tone sounds, or the system says so. */
export function ring(pane: HTMLElement | null, alias: string) {
    const now = performance.now();
    if (now - last < QUIET_FOR) return;
    last = now;
    const { bellVisual, bellSound, bellNotification } = store.get().settings;
    if (bellVisual) flash(pane);
    if (bellSound) beep();
    if (bellNotification && document.visibilityState === "hidden" && window.Notification?.permission === "granted") {
        void navigator.serviceWorker?.getRegistration().then((registration) =>
            registration?.showNotification(`${inert(alias, 60)} rings`, { tag: `bell-${alias}`, icon: "/icons/icon-192.png" })
        );
    }
    navigator.vibrate?.(20);
}

function flash(pane: HTMLElement | null) {
    pane?.classList.remove("rings");
    // Starts the animation anew when it still runs.
    void pane?.offsetWidth;
    pane?.classList.add("rings");
}

function beep() {
    try {
        audio ??= new AudioContext();
        const tone = audio.createOscillator();
        const volume = audio.createGain();
        tone.frequency.value = 660;
        volume.gain.setValueAtTime(0.08, audio.currentTime);
        volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.18);
        tone.connect(volume).connect(audio.destination);
        tone.start();
        tone.stop(audio.currentTime + 0.2);
    } catch {
        // A browser that has no sound stays silent.
    }
}
