import {
    type ButtonHTMLAttributes,
    type InputHTMLAttributes,
    type ReactNode,
    useEffect,
    useId,
    useRef,
    useState,
} from "react";
import { Icon, type IconName } from "./Icon";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
    tone?: "plain" | "primary" | "soft" | "caution" | "danger" | "quiet";
    icon?: IconName;
    busy?: boolean;
    small?: boolean;
}

export function Button(
    { tone = "plain", icon, busy, small, children, className = "", disabled, ...rest }: ButtonProps,
) {
    return (
        <button
            type="button"
            {...rest}
            disabled={disabled || busy}
            aria-busy={busy || undefined}
            className={`button ${tone} ${small ? "small" : ""} ${children ? "" : "icon-only"} ${className}`}
        >
            {busy
                ? <span className="spinner" aria-hidden="true" />
                : icon && <Icon name={icon} size={small ? 16 : 18} />}
            {children && <span className="button-text">{children}</span>}
        </button>
    );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
    label: string;
    hint?: ReactNode;
    error?: string | null;
}

export function Field({ label, hint, error, id, className = "", ...rest }: FieldProps) {
    const own = useId();
    const input = id ?? own;
    return (
        <div className={`field ${error ? "has-error" : ""} ${className}`}>
            <label htmlFor={input}>{label}</label>
            <input id={input} {...rest} aria-invalid={error ? true : undefined} aria-describedby={`${input}-note`} />
            <p className="field-note" id={`${input}-note`}>{error ?? hint}</p>
        </div>
    );
}

export function PasswordField(props: FieldProps) {
    const [shown, show] = useState(false);
    return (
        <div className="password-field">
            <Field {...props} type={shown ? "text" : "password"} />
            <button
                type="button"
                className="reveal"
                onClick={() => show(!shown)}
                aria-pressed={shown}
                aria-label="Show what is typed"
            >
                <Icon name="eye" />
            </button>
        </div>
    );
}

export function Choice<T extends string>({ label, value, options, onChange, testid, disabled }: {
    label: string;
    value: T;
    options: { value: T; label: string; icon?: IconName }[];
    onChange: (value: T) => void;
    testid?: string;
    disabled?: boolean;
}) {
    return (
        <div className="choice" role="radiogroup" aria-label={label} data-testid={testid}>
            {options.map((option) => (
                <button
                    key={option.value}
                    type="button"
                    role="radio"
                    aria-checked={option.value === value}
                    disabled={disabled}
                    data-testid={testid && `${testid}-${option.value}`}
                    onClick={() => onChange(option.value)}
                >
                    {option.icon && <Icon name={option.icon} size={16} />}
                    {option.label}
                </button>
            ))}
        </div>
    );
}

export function Switch({ label, checked, onChange, testid, disabled }: {
    label: string;
    checked: boolean;
    onChange: (on: boolean) => void;
    testid?: string;
    disabled?: boolean;
}) {
    return (
        <button
            type="button"
            role="switch"
            aria-checked={checked}
            aria-label={label}
            className="switch"
            data-testid={testid}
            disabled={disabled}
            onClick={() => onChange(!checked)}
        >
            <span />
        </button>
    );
}

/** Copies in the tap itself, which is when browsers allow it, and says so. */
export function CopyButton({ text, label = "Copy", testid, tone = "plain" }: {
    text: string;
    label?: string;
    testid?: string;
    tone?: "plain" | "primary" | "quiet";
}) {
    const [done, setDone] = useState(false);
    const copy = async () => {
        setDone(await copyText(text));
        setTimeout(() => setDone(false), 2_000);
    };
    return (
        <Button tone={tone} icon={done ? "check" : "copy"} onClick={copy} data-testid={testid}>
            {done ? "Copied" : label}
        </Button>
    );
}

export async function copyText(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Without a secure context there is no clipboard API; the old way still works inside a tap.
        const area = document.createElement("textarea");
        area.value = text;
        area.className = "offscreen";
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
    }
}

/** A modal on the desktop, a sheet from the bottom on the phone. The browser's own dialog keeps the focus inside. */
export function Dialog({ title, children, onClose, testid, side, actions }: {
    title: ReactNode;
    children: ReactNode;
    onClose: () => void;
    testid?: string;
    side?: boolean;
    actions?: ReactNode;
}) {
    const element = useRef<HTMLDialogElement>(null);
    const heading = useId();
    useEffect(() => {
        const dialog = element.current;
        const before = document.activeElement;
        if (dialog && !dialog.open) dialog.showModal();
        // By itself the browser starts on the first button, the one that closes.
        dialog?.querySelector<HTMLElement>("[data-first-focus]")?.focus();
        return () => {
            if (before instanceof HTMLElement) before.focus({ preventScroll: true });
        };
    }, []);
    return (
        <dialog
            ref={element}
            className={side ? "drawer" : "dialog"}
            aria-labelledby={heading}
            data-testid={testid}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onPointerDown={(event) => {
                if (event.target === element.current) onClose();
            }}
        >
            <div className="dialog-body">
                <header>
                    <h2 id={heading}>{title}</h2>
                    <Button tone="quiet" icon="close" aria-label="Close" onClick={onClose} />
                </header>
                <div className="dialog-content">{children}</div>
                {actions && <footer>{actions}</footer>}
            </div>
        </dialog>
    );
}

/** Keys as they are printed on a keyboard. */
export const shownKeys = (keys: string) =>
    keys.replace("PLUS", "+").replace("_", "−").replace("ArrowLeft", "←").replace("ArrowRight", "→")
        .replace("ArrowUp", "↑").replace("ArrowDown", "↓").replace("SPACE", "Space");

export interface MenuItem {
    label: string;
    icon?: IconName;
    run: () => void;
    danger?: boolean;
    testid?: string;
    disabled?: boolean;
    /** The keys that do the same, as they are written on the keyboard. */
    keys?: string;
    badge?: ReactNode;
}

export function Menu({ label, icon = "more", items, testid, children, className = "" }: {
    label: string;
    icon?: IconName;
    items: MenuItem[];
    testid?: string;
    children?: ReactNode;
    className?: string;
}) {
    const [open, setOpen] = useState(false);
    const root = useRef<HTMLDivElement>(null);
    useEffect(() => {
        if (!open) return;
        const close = (event: Event) => {
            if (!(event.target instanceof Node && root.current?.contains(event.target))) setOpen(false);
        };
        document.addEventListener("pointerdown", close);
        root.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
        return () => document.removeEventListener("pointerdown", close);
    }, [open]);
    const move = (event: React.KeyboardEvent) => {
        if (event.key === "Escape") {
            setOpen(false);
            root.current?.querySelector("button")?.focus();
        }
        if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
        event.preventDefault();
        const all = [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)") ?? [])];
        const index = all.indexOf(document.activeElement as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1);
        all[(index + all.length) % all.length]?.focus();
    };
    return (
        <div className={`menu ${className}`} ref={root} onKeyDown={move}>
            <button
                type="button"
                className={children ? "menu-button" : "button quiet icon-only"}
                aria-haspopup="menu"
                aria-expanded={open}
                aria-label={label}
                data-testid={testid}
                onClick={() => setOpen(!open)}
            >
                {children ?? <Icon name={icon} />}
            </button>
            {open && (
                <div className="menu-list" role="menu" aria-label={label}>
                    {items.map((item) => (
                        <button
                            key={item.label}
                            type="button"
                            role="menuitem"
                            className={item.danger ? "danger" : ""}
                            data-testid={item.testid}
                            disabled={item.disabled}
                            onClick={() => {
                                setOpen(false);
                                item.run();
                            }}
                        >
                            {item.icon && <Icon name={item.icon} />}
                            <span>{item.label}</span>
                            {item.badge}
                            {item.keys && <kbd>{shownKeys(item.keys)}</kbd>}
                        </button>
                    ))}
                </div>
            )}
        </div>
    );
}
