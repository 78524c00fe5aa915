import type { RecordingHit } from "../api/types";

/** The last place that is not after a moment; -1 before the first. */
export function hitAt(hits: RecordingHit[], position: number): number {
    let index = hits.length - 1;
    while (index >= 0 && (hits[index]?.time ?? 0) > position + 0.05) index -= 1;
    return index;
}
