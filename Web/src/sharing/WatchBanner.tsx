import { asApiError } from "../api/client";
import type { SeatView } from "../api/types";
import { toastError, useStore } from "../app/store";
import { Banner } from "../terminal/Banner";
import { isStopped } from "../terminal/notices";
import { Button } from "../ui/controls";
import { inert } from "../ui/text";
import { sharing } from "./calls";

/** Where two pairs of eyes are demanded: who watches, or that the host hears nothing because nobody does. */
export function WatchBanner({ seat, openPeople }: { seat: SeatView; openPeople: () => void }) {
    const me = useStore((s) => s.me?.user.id);
    const { watch } = seat;
    if (watch.heldBy) {
        const mayRelease = seat.you.mode === "moderate" || watch.heldBy.id === me;
        return (
            <Banner
                tone="warning"
                icon="pause"
                testid="banner-held-input"
                title={watch.heldBy.id === me
                    ? "You stopped the input of this session."
                    : `${inert(watch.heldBy.name, 40)} stopped the input of this session.`}
                actions={mayRelease && <HoldButton seat={seat} isHeld={false} />}
            >
                The host hears nothing until it goes on.
            </Banner>
        );
    }
    if (!watch.required) return null;
    if (isStopped(seat)) {
        return (
            <Banner
                tone="warning"
                icon="pause"
                testid="banner-unwatched"
                title="Paused: nobody watches."
                actions={seat.you.mode === "control" && (
                    <Button small icon="invite" onClick={openPeople} data-testid="watch-invite">
                        Ask somebody to watch
                    </Button>
                )}
            >
                {watch.by === "host" ? "On this host two work together." : "This session is for two pairs of eyes."}{" "}
                It goes on by itself as soon as a moderator looks at it.
            </Banner>
        );
    }
    const names = watch.watchers.map((one) => (one.id === me ? "you" : inert(one.name, 30))).join(", ");
    return (
        <Banner
            tone="info"
            icon="eye"
            testid="banner-watched"
            title={`Watched by ${names}`}
            actions={seat.you.mode === "moderate" && <HoldButton seat={seat} isHeld />}
        >
            {seat.you.mode === "moderate" && "When you look away, the session waits."}
        </Banner>
    );
}

function HoldButton({ seat, isHeld }: { seat: SeatView; isHeld: boolean }) {
    const change = () => sharing.change(seat.id, { held: isHeld }).catch((error) => toastError(asApiError(error)));
    return (
        <Button small tone={isHeld ? "caution" : "primary"} icon={isHeld ? "pause" : "play"} onClick={change}
            data-testid={isHeld ? "hold-input" : "release-input"}
        >
            {isHeld ? "Stop the input" : "Go on"}
        </Button>
    );
}
