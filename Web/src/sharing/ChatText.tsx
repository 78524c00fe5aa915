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

/** Line breaks are the only control characters with a meaning here. */
const lines = (text: string) => text.split("\n").map((line) => inert(line, 4000)).join("\n");
