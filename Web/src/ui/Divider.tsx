import { useRef } from "react";

interface DividerProps {
    /** `row`: things stand side by side, and the divider moves to the left and right. */
    axis: "row" | "column";
    label: string;
    /** In pixels, or whatever `perPixel` makes of them. */
    value: number;
    least: number;
    most: number;
    /** The value grows towards the start: it is the size of what comes after the divider. */
    fromEnd?: boolean;
    perPixel?: () => number;
    step?: number;
    onChange: (value: number) => void;
    style?: React.CSSProperties;
    testid?: string;
}

/** A border that is moved by mouse, finger or arrow keys. */
export function Divider(
    { axis, label, value, least, most, fromEnd, perPixel, step = 24, onChange, style, testid = "divider" }:
        DividerProps,
) {
    const drag = useRef<{ at: number; value: number } | null>(null);
    const place = (event: React.PointerEvent) => (axis === "row" ? event.clientX : event.clientY);
    const change = (next: number) => onChange(Math.max(least, Math.min(most, next)));
    const keys = axis === "row" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    return (
        <div
            className={`divider ${axis}`}
            role="separator"
            tabIndex={0}
            aria-label={label}
            aria-orientation={axis === "row" ? "vertical" : "horizontal"}
            aria-valuenow={Math.round(value * (most <= 1 ? 100 : 1))}
            aria-valuemin={Math.round(least * (most <= 1 ? 100 : 1))}
            aria-valuemax={Math.round(most * (most <= 1 ? 100 : 1))}
            data-testid={testid}
            style={style}
            onPointerDown={(event) => {
                event.preventDefault();
                event.currentTarget.setPointerCapture(event.pointerId);
                drag.current = { at: place(event), value };
            }}
            onPointerMove={(event) => {
                if (!drag.current) return;
                const moved = (place(event) - drag.current.at) * (perPixel?.() ?? 1);
                change(drag.current.value + (fromEnd ? -moved : moved));
            }}
            onPointerUp={() => (drag.current = null)}
            onPointerCancel={() => (drag.current = null)}
            onKeyDown={(event) => {
                const index = keys.indexOf(event.key);
                if (index < 0) return;
                event.preventDefault();
                change(value + (index === 0 ? -1 : 1) * (fromEnd ? -step : step));
            }}
        />
    );
}
