// The part of node's test runner that these tests use.

declare module "node:test" {
    export default function test(name: string, run: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
    interface Assert {
        equal(actual: unknown, expected: unknown, message?: string): void;
        deepEqual(actual: unknown, expected: unknown, message?: string): void;
        ok(value: unknown, message?: string): void;
        throws(run: () => unknown, kind?: unknown): void;
    }
    const assert: Assert;
    export default assert;
}
