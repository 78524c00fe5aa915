import sprite from "./icons.svg";

export type IconName =
    | "host"
    | "terminal"
    | "sessions"
    | "recording"
    | "audit"
    | "people"
    | "settings"
    | "more"
    | "search"
    | "plus"
    | "back"
    | "forward"
    | "close"
    | "down"
    | "check"
    | "alert"
    | "info"
    | "lock"
    | "key"
    | "keyboard"
    | "keyboard-hide"
    | "eye"
    | "hand"
    | "copy"
    | "paste"
    | "download"
    | "play"
    | "pause"
    | "rewind"
    | "expand"
    | "sign-out"
    | "sun"
    | "moon"
    | "monitor"
    | "phone"
    | "refresh"
    | "trash"
    | "edit"
    | "link"
    | "offline"
    | "fingerprint"
    | "invite"
    | "tag"
    | "clock"
    | "stop"
    | "power"
    | "select"
    | "arrow-left"
    | "arrow-right"
    | "arrow-up"
    | "arrow-down"
    | "give"
    | "type-larger"
    | "type-smaller"
    | "chat"
    | "folder"
    | "file"
    | "upload"
    | "agent"
    | "split-right"
    | "split-down"
    | "broadcast"
    | "macro"
    | "bell"
    | "command"
    | "inbox"
    | "send"
    | "code"
    | "zoom";

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
    return (
        <svg className="icon" width={size} height={size} aria-hidden="true">
            <use href={`${sprite}#${name}`} />
        </svg>
    );
}

/** Two prompts side by side: the pilot's and the copilot's. */
export function Mark({ size = 28 }: { size?: number }) {
    return (
        <svg
            className="mark"
            width={size}
            height={size}
            viewBox="0 0 64 64"
            fill="none"
            strokeWidth="7"
            strokeLinecap="round"
            strokeLinejoin="round"
            aria-hidden="true"
        >
            <path className="mark-pilot" d="M9 18l13 14L9 46" />
            <path className="mark-copilot" d="M24 18l13 14-13 14M43 46h12" />
        </svg>
    );
}
