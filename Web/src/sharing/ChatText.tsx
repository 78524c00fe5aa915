import { Fragment } from "react";
import { inert } from "../ui/text";
import { parts } from "./moments";

/** What somebody wrote: text and nothing else, with its mentions marked and its moments to go to. */
export function ChatText({ text, length, me, onMoment }: {
    text: string;
    /** Seconds that the session lasted so far. */
    length: number;
    /** One's own user name. */
    me?: string;
    onMoment: (seconds: number) => void;
}) {
    return (
        <>
            {parts(text, length).map((part, index) => {
                switch (part.kind) {
                    case "text":
                        return <Fragment key={index}>{lines(part.text)}</Fragment>;
                    case "mention":
                        return (
                            <b key={index} className={`mention ${part.username === me ? "mine" : ""}`}>
                                {inert(part.text, 40)}
                            </b>
                        );
                    case "moment":
                        return (
                            <button
                                key={index}
                                type="button"
                                className="moment tabular"
                                data-testid="chat-moment"
                                title="Show this moment in the recording"
                                onClick={() => onMoment(part.seconds)}
                            >
                                {part.text}
                            </button>
                        );
                }
            })}
        </>
    );
}

/** In a replay: the moments that a message names, each a tap away. */
export function ChatMoments({ text, length, onMoment }: {
    text: string;
    length: number;
    onMoment: (seconds: number) => void;
}) {
    const moments = parts(text, length).flatMap((part) => (part.kind === "moment" ? [part] : []));
    return (
        <>
            {moments.slice(0, 5).map((part, index) => (
                <button
                    key={index}
                    type="button"
                    className="moment tabular"
                    data-testid="replay-moment"
                    aria-label={`Go to ${part.text}`}
                    onClick={() => onMoment(part.seconds)}
                >
                    {part.text}
                </button>
            ))}
        </>
    );
}

/** Line breaks are the only control characters with a meaning here. */
const lines = (text: string) => text.split("\n").map((line) => inert(line, 4000)).join("\n");
