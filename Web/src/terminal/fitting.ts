export interface Extent {
    width: number;
    height: number;
}

/** How to scale and place a screen so that all of it is in view in the middle of a room; null while either is hidden. */
export function fitted(screen: Extent, room: Extent, largest: number) {
    if (Math.min(screen.width, screen.height, room.width, room.height) <= 0) return null;
    const scale = Math.min(room.width / screen.width, room.height / screen.height, largest);
    return {
        scale,
        left: (room.width - screen.width * scale) / 2,
        top: (room.height - screen.height * scale) / 2,
    };
}
