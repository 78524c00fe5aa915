import { store } from "./store";

/** What the palette is asked for: everything, or one choice that an action needs. */
export type PaletteQuestion =
    | { kind: "all" }
    | { kind: "split"; session: string; axis: "row" | "column" }
    | { kind: "broadcast"; session: string }
    | { kind: "macros"; session: string }
    | { kind: "keys" };

export const openPalette = (palette: PaletteQuestion) => store.set({ palette });
export const closePalette = () => store.set({ palette: null });
