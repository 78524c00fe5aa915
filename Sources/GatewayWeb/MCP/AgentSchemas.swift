import MCP

/// The shapes of answers that several tools give. What may be missing is not required; more may be there.
enum AgentSchemas {
    static let control = Schema.object([
        "holder": .string("agent, human or none"), "name": .string().orNull, "epoch": .integer(),
        "since": .string().orNull,
    ])

    static let waiting = Schema.object(["kind": .string(), "prompt": .string(), "confidence": .string()])

    static let session = Schema.object(
        [
            "id": .string("The sessionId."),
            "status": .string(
                "pending, ai_control, user_control, paused, reconnecting, denied, expired, withdrawn, connect_failed, closed"
            ),
            "state": .string(), "host": .string(), "username": .string(),
            "approveUrl": .string("Where a person decides."),
            "decision": .string("What the person said."), "expiresAt": .string(), "control": control,
            "grant": .object(["mode": .string(), "sudo": .string(), "expiresAt": .string()], "What you may do."),
            "runningCommands": .list(.string()), "pendingApprovals": .list(.string()),
        ], required: ["id", "status", "host", "username"])

    static let command = Schema.object(
        [
            "commandId": .string(), "sessionId": .string(), "command": .string(),
            "state": .string(
                "queued, awaiting_approval, running, exited, signaled, timed_out, denied, lost, stopped, …"),
            "stdout": .string(), "stderr": .string(),
            "exitCode": .integer("Null while it runs and when nobody knows.").orNull,
            "signal": .string().orNull, "timedOut": .bool(), "truncated": .object(), "durationMs": .integer(),
            "approval": .object(["id": .string(), "status": .string()]), "classes": .list(.string()),
            "error": .string(), "hint": .string(), "mode": .string("isolated or terminal"),
            "cwdAfter": .string("Of a command in the terminal: the shell's folder at its end."), "waiting": waiting,
            "redactions": .integer("Secrets that were taken out."), "stop": .string("stopped or unconfirmed"),
        ], required: ["commandId", "state", "stdout", "stderr", "exitCode"])

    static let plan = Schema.object(
        [
            "planId": .string(), "goal": .string(), "status": .string("approved, pending, denied or expired"),
            "steps": .list(
                .object(["id": .string(), "command": .string(), "decision": .string(), "classes": .list(.string())])),
        ], required: ["planId", "status", "steps"])

    static let screen = Schema.object(
        [
            "rows": .integer(), "cols": .integer(), "lines": .list(.string()), "altScreen": .bool(), "title": .string(),
            "cursor": .object(["row": .integer(), "col": .integer(), "visible": .bool()]),
        ], required: ["rows", "cols", "lines"])
}
