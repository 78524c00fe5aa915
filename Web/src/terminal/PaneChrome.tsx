import { useCallback, useEffect, useMemo, useState } from "react";
import { createPortal } from "react-dom";
import { api, asApiError } from "../api/client";
import { offerActions } from "../app/actions";
import { toastError, useMay, useStore } from "../app/store";
import { Banners } from "./Banners";
import { broadcast, useBroadcast } from "./broadcast";
import { EndDialog, LinkDialog, PasteDialog, PasteField, SelectSheet } from "./dialogs";
import { FindBar } from "./FindBar";
import { Header } from "./Header";
import { isTouch, useChannel, useLink } from "./hooks";
import { pasteBytes } from "./keys";
import { terminalTheme } from "./letters";
import { paneActions, paneMenu } from "./paneActions";
import { PanelPlace } from "./PanelPlace";
import { closePanel, openPanel, type PanelProps, panelsFor, useOpenPanel } from "./panels";
import type { Overlay, Parts } from "./parts";
import { useFit } from "./useFit";

const encoder = new TextEncoder();

interface ChromeProps {
    parts: Parts;
    tab: { id: string; alias: string; environment: string };
    isShown: boolean;
    hasFocus: boolean;
    isAlone: boolean;
    container: React.RefObject<HTMLDivElement>;
    overlay: Overlay | null;
    setOverlay: (overlay: Overlay | null) => void;
    panelSlot: HTMLElement | null;
    onEnded: (id: string) => void;
}

/** Everything of a pane but the terminal itself: header, banners, panel, and what lies over it for a while. */
export function PaneChrome(props: ChromeProps) {
    const { parts, tab, isShown, hasFocus, isAlone, container, overlay, setOverlay, panelSlot, onEnded } = props;
    const { screen, channel } = parts;
    const state = useChannel(channel);
    const isLost = useLink().phase === "lost";
    const settings = useStore((s) => s.settings);
    const mayEndAny = useMay("session.end");
    const me = useStore((s) => s.me?.user.id);
    const panel = useOpenPanel();
    const isHolder = state.seat?.you.holder ?? false;
    const isEnded = state.ending !== null;
    const mayEnd = mayEndAny || state.seat?.owner.id === me;
    useFit(parts, container, isShown);
    useEffect(() => {
        if (isEnded) onEnded(tab.id);
    }, [isEnded, onEnded, tab.id]);
    useEffect(() => screen.setTheme(terminalTheme()), [screen, settings.terminalTheme, settings.theme]);
    useEffect(() => channel.show(isShown), [channel, isShown]);
    useEffect(() => {
        // A dialog, or a panel that the person works in, keeps the focus.
        if (hasFocus && !isTouch() && !document.activeElement?.closest("dialog, .side-panel")) screen.terminal.focus();
    }, [screen, hasFocus, isHolder]);
    useEffect(() => {
        container.current?.classList.toggle("lost", isLost && !state.ending);
    }, [container, isLost, state.ending]);

    const focus = useCallback(() => {
        if (!isTouch()) screen.terminal.focus();
    }, [screen]);
    const close = useCallback(() => {
        setOverlay(null);
        focus();
    }, [setOverlay, focus]);
    const { paste, sendPaste } = usePaste(parts, container, setOverlay, focus);

    const panelProps = useMemo<PanelProps | null>(
        () =>
            state.seat && {
                sessionId: tab.id,
                channel,
                seat: state.seat,
                state,
                insert: paste,
                close: () => {
                    closePanel();
                    focus();
                },
            },
        [state, tab.id, channel, paste, focus],
    );
    const isWatching = state.seat !== null && !isHolder;
    const wishes = useMemo(() => ({ isWatching, isEnded, mayEnd, isAlone }), [isWatching, isEnded, mayEnd, isAlone]);
    const actions = useMemo(() => paneActions(parts, tab, setOverlay, wishes), [parts, tab, setOverlay, wishes]);
    useEffect(() => (hasFocus ? offerActions(actions) : undefined), [hasFocus, actions]);

    return (
        <>
            <Header
                channel={channel}
                state={state}
                fallback={tab}
                menu={paneMenu(actions, panelProps)}
                mayEnd={mayEnd}
                panelProps={panelProps}
                askEnd={() => setOverlay({ kind: "end" })}
            />
            <Banners channel={channel} state={state} openPeople={() => openPanel("people")} />
            {overlay?.kind === "find" && <FindBar screen={screen} onClose={close} />}
            {hasFocus && panel && panelSlot && panelProps && panelsFor(panelProps.seat).includes(panel) &&
                createPortal(<PanelPlace key={panel.id} panel={panel} props={panelProps} />, panelSlot)}
            {overlay && overlay.kind !== "find" && (
                <PaneDialog
                    overlay={overlay}
                    alias={tab.alias}
                    sessionId={tab.id}
                    close={close}
                    end={() => setOverlay(null)}
                    sendPaste={sendPaste}
                />
            )}
        </>
    );
}

/** Pastes from everywhere take the same way: cleaned, asked about where each line would run at once. */
function usePaste(
    { screen, channel }: Parts,
    container: React.RefObject<HTMLDivElement>,
    setOverlay: (overlay: Overlay | null) => void,
    focus: () => void,
) {
    const confirms = useStore((s) => s.settings.confirmPaste);
    const members = useBroadcast();
    const sendPaste = useCallback((text: string) => {
        broadcast.type(channel, encoder.encode(pasteBytes(text, screen.isBracketedPaste)));
        focus();
    }, [channel, screen, focus]);
    const paste = useCallback((text: string) => {
        if (!text) return;
        const runsAtOnce = !screen.isBracketedPaste && /\r?\n[^]/.test(text.trimEnd());
        const goesFar = members.includes(channel.sessionId);
        if (channel.mayType && (goesFar || (confirms && runsAtOnce))) setOverlay({ kind: "paste", text });
        else sendPaste(text);
    }, [channel, screen, confirms, members, sendPaste, setOverlay]);
    useEffect(() => {
        const element = container.current;
        const pasted = (event: ClipboardEvent) => {
            event.preventDefault();
            event.stopPropagation();
            paste(event.clipboardData?.getData("text/plain") ?? "");
        };
        const handed = (event: Event) => paste((event as CustomEvent<string>).detail);
        element?.addEventListener("paste", pasted, true);
        element?.addEventListener("copilot-paste", handed);
        return () => {
            element?.removeEventListener("paste", pasted, true);
            element?.removeEventListener("copilot-paste", handed);
        };
    }, [container, paste]);
    return { paste, sendPaste };
}

function PaneDialog({ overlay, alias, sessionId, close, end, sendPaste }: {
    overlay: Exclude<Overlay, { kind: "find" }> | Overlay;
    alias: string;
    sessionId: string;
    close: () => void;
    end: () => void;
    sendPaste: (text: string) => void;
}) {
    const [isEnding, setEnding] = useState(false);
    const endSession = async () => {
        setEnding(true);
        try {
            await api.endSession(sessionId);
            end();
        } catch (error) {
            toastError(asApiError(error));
        }
        setEnding(false);
    };
    const finish = (text: string) => {
        close();
        sendPaste(text);
    };
    switch (overlay.kind) {
        case "end":
            return <EndDialog alias={alias} busy={isEnding} onEnd={() => void endSession()} onClose={close} />;
        case "link":
            return <LinkDialog uri={overlay.uri} onClose={close} />;
        case "select":
            return <SelectSheet text={overlay.text} onClose={close} />;
        case "paste-field":
            return <PasteField onClose={close} onPaste={finish} />;
        case "paste":
            return (
                <PasteDialog
                    text={overlay.text}
                    alias={alias}
                    terminals={broadcast.members.includes(sessionId) ? broadcast.members.length : 1}
                    onClose={close}
                    onPaste={() => finish(overlay.text)}
                />
            );
        case "find":
            return null;
    }
}
