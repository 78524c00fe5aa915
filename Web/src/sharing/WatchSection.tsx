import type { SeatView } from "../api/types";
import { useStore } from "../app/store";
import type { Attempt } from "../terminal/PeopleDrawer";
import { Switch } from "../ui/controls";
import { sharing } from "./calls";

/** Two pairs of eyes: the host hears nothing unless a moderator watches. Whoever is watched does not end it. */
export function WatchSection({ seat, attempt }: { seat: SeatView; attempt: Attempt }) {
    const me = useStore((s) => s.me?.user.id);
    const { watch } = seat;
    const isOwner = seat.owner.id === me;
    const mayChange = watch.required
        ? watch.by === "session" && !isOwner && seat.you.mode === "moderate"
        : isOwner || seat.you.mode === "moderate";
    if (!watch.required && !mayChange) return null;
    return (
        <section className="drawer-section">
            <div className="setting-line">
                <div>
                    <h3>Four eyes</h3>
                    <p className="muted">
                        {watch.by === "host"
                            ? "This host demands it: nothing is sent to it unless a moderator watches."
                            : watch.required && isOwner
                            ? "Nothing is sent to the host unless a moderator watches. A moderator can end it."
                            : "Nothing is sent to the host unless a moderator watches."}
                    </p>
                </div>
                <Switch
                    label="Four eyes"
                    checked={watch.required}
                    disabled={!mayChange}
                    testid="four-eyes"
                    onChange={(on) => void attempt(() => sharing.change(seat.id, { watched: on }))}
                />
            </div>
        </section>
    );
}
