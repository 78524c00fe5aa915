import type { Action } from "../app/actions";
import { openPalette } from "../app/palette";
import { closeTerminal } from "../app/session";
import { store, toast } from "../app/store";
import { copyText, type MenuItem } from "../ui/controls";
import { isNarrow } from "../ui/narrow";
import { copyRich } from "./copyHtml";
import { baseFontSize, changeFont } from "./letters";
import { type Direction, neighbour, sessionsOf } from "./layout";
import { PanelBadge } from "./PanelPlace";
import { openPanel, type PanelProps, panelsFor } from "./panels";
import { bothTexts, type Overlay, type Parts } from "./parts";
import { focusPane, moveToOwnTab, tabOf } from "./tabs";
import { broadcast } from "./broadcast";

interface Wishes {
    isWatching: boolean;
    isEnded: boolean;
    mayEnd: boolean;
    isAlone: boolean;
}

/** What can be done with the pane in focus: by its menu, by the palette, and by keys. */
export function paneActions(
    { screen }: Parts,
    tab: { id: string; alias: string },
    setOverlay: (overlay: Overlay | null) => void,
    { isWatching, isEnded, mayEnd, isAlone }: Wishes,
): Action[] {
    const font = (step: number) =>
        changeFont(isWatching ? screen.stepLetters(step, baseFontSize()) : baseFontSize() + step);
    const here = { group: "This terminal" as const };
    const terminal: Action[] = [
        { ...here, id: "find", label: "Find", icon: "search", keys: "Ctrl+Shift+F", run: () => setOverlay({ kind: "find" }) },
        {
            ...here,
            id: "select",
            label: "Select and copy",
            icon: "select",
            run: () => setOverlay({ kind: "select", text: bothTexts(screen) }),
        },
        {
            ...here,
            id: "copy",
            label: "Copy what is selected",
            icon: "copy",
            keys: "Ctrl+Shift+C",
            keysOnly: true,
            run: () => {
                if (screen.terminal.hasSelection()) void copyText(screen.terminal.getSelection());
            },
        },
        {
            ...here,
            id: "copy-html",
            label: "Copy with colours (HTML)",
            icon: "code",
            keys: "Ctrl+Shift+H",
            run: () => void copyWithColours(screen),
        },
        { ...here, id: "larger", label: "Larger letters", icon: "type-larger", keys: "Ctrl+Shift+PLUS", run: () => font(1) },
        { ...here, id: "smaller", label: "Smaller letters", icon: "type-smaller", keys: "Ctrl+Shift+_", run: () => font(-1) },
        {
            ...here,
            id: "macros",
            label: "Macros",
            icon: "macro",
            keys: "Ctrl+Shift+O",
            run: () => openPalette({ kind: "macros", session: tab.id }),
        },
        {
            ...here,
            id: "leave-terminal",
            label: "Leave the terminal, for the buttons above it",
            icon: "keyboard",
            keys: "Ctrl+Shift+M",
            keysOnly: true,
            run: focusToolbar,
        },
    ];
    const ending: Action[] = [
        {
            ...here,
            id: "detach",
            label: isEnded ? "Close" : "Leave, session goes on",
            icon: isEnded ? "close" : "sign-out",
            keys: "Ctrl+Shift+X",
            run: () => closeTerminal(tab.id),
        },
    ];
    if (mayEnd && !isEnded) {
        ending.push({ ...here, id: "end", label: "End session", icon: "power", run: () => setOverlay({ kind: "end" }) });
    }
    return [...terminal, ...paneSplits(tab.id, isAlone), ...ending];
}

function paneSplits(session: string, isAlone: boolean): Action[] {
    if (isNarrow()) return [];
    const group = "Panes" as const;
    const split = (axis: "row" | "column") => openPalette({ kind: "split", session, axis });
    const actions: Action[] = [
        { group, id: "split-right", label: "Split to the right", icon: "split-right", keys: "Ctrl+Shift+D", run: () => split("row") },
        { group, id: "split-down", label: "Split below", icon: "split-down", keys: "Ctrl+Shift+E", run: () => split("column") },
    ];
    if (isAlone) return actions;
    const arrows: [Direction, string][] = [["left", "ArrowLeft"], ["right", "ArrowRight"], ["up", "ArrowUp"], [
        "down",
        "ArrowDown",
    ]];
    return [
        ...actions,
        {
            group,
            id: "broadcast",
            label: "Type into several panes",
            icon: "broadcast",
            keys: "Ctrl+Shift+B",
            run: () => openPalette({ kind: "broadcast", session }),
        },
        { group, id: "own-tab", label: "Move to a tab of its own", icon: "expand", run: () => moveToOwnTab(session) },
        ...arrows.map(([direction, key]): Action => ({
            group,
            id: `pane-${direction}`,
            label: `The pane ${{ left: "to the left", right: "to the right", up: "above", down: "below" }[direction]}`,
            icon: `arrow-${direction}` as const,
            keys: `Ctrl+Shift+${key}`,
            keysOnly: true,
            run: () => {
                const next = neighbour(tabOf(session), session, direction);
                if (next) focusPane(next);
            },
        })),
    ];
}

/** Which sessions of this tab may be typed into together, in the order in which they stand. */
export const broadcastChoices = (session: string): string[] =>
    sessionsOf(tabOf(session)).filter((one) => broadcast.channel(one) !== null);

async function copyWithColours(screen: Parts["screen"]) {
    const done = await copyRich(screen.terminal);
    toast(done ? "Copied with its colours" : "This browser doesn't copy HTML", { tone: done ? "good" : "bad" });
}

/** The way out of the terminal for a keyboard alone: Tab belongs to the shell. */
function focusToolbar() {
    const buttons = document.querySelectorAll<HTMLElement>(".terminal-pane[data-focused=true] .terminal-head button");
    [...buttons].find((button) => button.offsetParent !== null)?.focus();
}

/** The pane's menu: on a phone it also has the panels that the header has no room for. */
export function paneMenu(actions: Action[], props: PanelProps | null): MenuItem[] {
    const panels: MenuItem[] = !isNarrow() || !props ? [] : panelsFor(props.seat).map((panel) => ({
        label: panel.id === "people" && !props.state.ending ? "People and invite" : panel.label,
        icon: panel.icon,
        badge: <PanelBadge panel={panel} props={props} />,
        run: () => openPanel(panel.id),
        testid: `menu-${panel.id}`,
    }));
    const isTouch = matchMedia("(pointer: coarse)").matches;
    const items = actions.filter((action) => !action.keysOnly).map((action): MenuItem => ({
        label: action.label,
        icon: action.icon,
        keys: isTouch ? undefined : action.keys,
        run: action.run,
        danger: action.id === "end",
        testid: `menu-${action.id}`,
    }));
    const help: MenuItem[] = isTouch
        ? []
        : [{ label: "Keys of the page", icon: "keyboard", run: () => openPalette({ kind: "keys" }), testid: "menu-shortcuts" }];
    const rest = items.findIndex((item) => item.testid === "menu-detach");
    return [...panels, ...items.slice(0, rest), ...help, ...items.slice(rest)];
}

export const openSessions = () => store.get().openTerminals;
