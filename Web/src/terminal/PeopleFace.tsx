import type { SeatView } from "../api/types";
import { Avatar } from "../ui/display";
import { Icon } from "../ui/Icon";

/** The people panel's button: who is here, by their colours. */
export function PeopleFace({ seat }: { seat: SeatView }) {
    const present = uniquePeople(seat);
    return (
        <>
            <span className="avatars">
                {present.slice(0, 4).map((person) => (
                    <Avatar
                        key={person.userId}
                        id={person.userId}
                        name={person.name}
                        keyboard={person.userId === seat.keyboard.holder?.userId}
                    />
                ))}
            </span>
            <span className="people-count">{present.length}</span>
            {seat.state !== "ended" && (
                <span className="people-invite">
                    <Icon name="invite" />
                </span>
            )}
        </>
    );
}

export function uniquePeople(seat: SeatView) {
    const connected = seat.seats.filter((one) => one.connected);
    return connected.filter((one, index) => connected.findIndex((other) => other.userId === one.userId) === index);
}
