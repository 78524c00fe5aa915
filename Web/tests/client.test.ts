import assert from "node:assert/strict";
import test from "node:test";
import { ApiClient, ApiError, asApiError } from "../src/api/client";

/** A client whose server gives these answers in turn; what was asked is kept. */
function client(...answers: [status: number, body: object][]) {
    const asked: string[] = [];
    const kept = new Map<string, string>();
    Object.assign(globalThis, {
        localStorage: {
            getItem: (key: string) => kept.get(key) ?? null,
            setItem: (key: string, value: string) => void kept.set(key, value),
            removeItem: (key: string) => void kept.delete(key),
        },
        fetch: (path: string) => {
            asked.push(path);
            const [status, body] = answers.shift() ?? [500, {}];
            return Promise.resolve(new Response(JSON.stringify(body), { status }));
        },
    });
    // Some versions of node have a navigator that can't be assigned.
    Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
    const made = new ApiClient();
    let isOver = false;
    made.onSignedOut = () => void (isOver = true);
    return { made, asked, isOver: () => isOver };
}

const codeOf = (act: Promise<unknown>) => act.then(() => "none", (error) => asApiError(error).code);

test("a wrong current password is no lost sign-in, and is not sent twice", async () => {
    const { made, asked, isOver } = client([401, { code: "wrong_credentials" }]);
    assert.equal(await codeOf(made.changePassword("wrong", "another horse in the rain")), "wrong_credentials");
    assert.deepEqual(asked, ["/api/me/password"]);
    assert.ok(!isOver());
});

test("a lost sign-in is told once the renewal fails too", async () => {
    const { made, asked, isOver } = client([401, { code: "not_signed_in" }], [401, { code: "session_expired" }]);
    assert.equal(await codeOf(made.hosts()), "not_signed_in");
    assert.deepEqual(asked, ["/api/hosts", "/auth/refresh"]);
    assert.ok(isOver());
});

test("after a renewal a wrong password is still no lost sign-in", async () => {
    const { made, isOver } = client(
        [401, { code: "not_signed_in" }],
        [200, {}],
        [401, { code: "wrong_credentials" }],
    );
    assert.equal(await codeOf(made.changePassword("wrong", "another horse in the rain")), "wrong_credentials");
    assert.ok(!isOver());
});

test("a refusal says at its field what is wrong and what to do", () => {
    const error = new ApiError(422, "invalid", "It is too long.", "Choose a shorter one.", { field: "name" });
    assert.equal(error.at("name"), "It is too long. Choose a shorter one.");
    assert.equal(error.at("username"), null);
});
