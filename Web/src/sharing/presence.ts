// Whether this page is before somebody's eyes: others see who looks on, and where two pairs of eyes are demanded a page
// in the background does not count.

import { TerminalChannel } from "../terminal/channel";

document.addEventListener("visibilitychange", () => {
    const looking = document.visibilityState === "visible";
    for (const channel of TerminalChannel.open) channel.sendNote("attention", { looking });
});
