import { type RefObject, useEffect } from "react";
import { useStore } from "../app/store";
import { useChannel } from "./hooks";
import { baseFontSize } from "./letters";
import type { Parts } from "./parts";

const SETTLE = 120;

/** Keeps the terminal's size and the room it has in step: the holder asks for a size, everybody else shrinks the letters. */
export function useFit({ screen, channel }: Parts, container: RefObject<HTMLDivElement>, isShown: boolean) {
    const { fontSize, touchFontSize } = useStore((s) => s.settings);
    const { seat } = useChannel(channel);
    const columns = seat?.columns;
    const isHolder = seat?.you.holder ?? false;
    useEffect(() => {
        if (!isShown) return;
        const fit = () => {
            const base = baseFontSize();
            const size = screen.capacity(base);
            if (!size) return;
            if (isHolder || columns === undefined) screen.useOwnSize(base);
            else screen.fitFont(base, columns);
            screen.align();
            channel.wishSize(size.columns, size.rows);
        };
        fit();
        let timer: ReturnType<typeof setTimeout> | null = null;
        // The on-screen keyboard slides: one size when it has settled, not twenty on the way.
        const observer = new ResizeObserver(() => {
            if (timer !== null) clearTimeout(timer);
            timer = setTimeout(fit, SETTLE);
        });
        if (container.current) observer.observe(container.current);
        return () => {
            observer.disconnect();
            if (timer !== null) clearTimeout(timer);
        };
    }, [screen, channel, container, isShown, isHolder, columns, fontSize, touchFontSize]);
}
