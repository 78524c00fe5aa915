// Text that somebody offers for this device's clipboard. Nothing is written before a tap says so.

import { dismissToast, toast } from "../app/store";
import { onNote } from "../terminal/notes";
import { copyText } from "../ui/controls";
import { inert } from "../ui/text";

const OFFERED_FOR = 60_000;
const seen = new Set<string>();

interface ClipboardOffer {
    id: string;
    name: string;
    own: boolean;
    characters: number;
    text: string;
}

onNote("clipboard.offer", (value) => {
    const offer = value as ClipboardOffer;
    // A tab with several terminals is told once for each.
    if (seen.has(offer.id)) return;
    seen.add(offer.id);
    const who = offer.own ? "Your other device" : inert(offer.name, 40);
    const count = `${offer.characters} ${offer.characters === 1 ? "character" : "characters"}`;
    const id = toast(`${who} offers ${count} for your clipboard`, {
        hint: inert(offer.text, 80),
        sticky: true,
        action: { label: "Copy", run: () => void copyText(offer.text) },
    });
    setTimeout(() => dismissToast(id), OFFERED_FOR);
});
