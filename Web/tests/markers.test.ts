import assert from "node:assert/strict";
import test from "node:test";
import { foldMarkers, type Marker } from "../src/recordings/markers";

function typed(time: number, characters: number, who = "Ada"): Marker {
    return { time, label: `${who} typed ${characters} characters without echo`, kind: "redacted" };
}

function joined(time: number): Marker {
    return { time, label: "Bob joined (view)", kind: "join" };
}

test("a paste of thousands of lines without echo is one marker, at its beginning", () => {
    const paste = Array.from({ length: 2_000 }, (_, index) => typed(5 + index * 0.001, index % 2 ? 6 : 7));
    assert.deepEqual(foldMarkers([joined(1), ...paste, joined(9)]), [
        joined(1),
        { time: 5, label: "Ada typed 13,000 characters without echo in 2,000 lines", kind: "redacted" },
        joined(9),
    ]);
});

test("what came between, somebody else's lines and later ones stay apart", () => {
    const markers = [typed(1, 8), joined(1.1), typed(1.2, 8), typed(1.3, 9, "Bob"), typed(60, 9, "Bob")];
    assert.deepEqual(foldMarkers(markers), markers);
    assert.deepEqual(foldMarkers([typed(1, 1)]).map(({ label }) => label), ["Ada typed 1 character without echo"]);
});

test("lines that the server has counted together already are added", () => {
    const counted = { ...typed(1, 100), label: "Ada typed 1300 characters without echo in 200 lines" };
    assert.deepEqual(foldMarkers([counted, typed(1.5, 7)]).map(({ label }) => label), [
        "Ada typed 1,307 characters without echo in 201 lines",
    ]);
});
