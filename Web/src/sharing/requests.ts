// Requests for the keyboard, as the holder gets them.

import { toast } from "../app/store";
import { onNote } from "../terminal/notes";
import { inert } from "../ui/text";
import type { SeatMode } from "../api/types";

export interface KeyboardRequest {
    seatId: string;
    userId: string;
    name: string;
    mode: SeatMode;
}

onNote("keyboard.request", (value, channel) => channel.requested(value as KeyboardRequest));
onNote("keyboard.declined", (value) => {
    toast(`${inert((value as { name: string }).name, 40)} keeps the keyboard for now`);
});
