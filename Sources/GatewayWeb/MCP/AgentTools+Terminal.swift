import Gateway
import MCP

/// The terminal that people and the agent share.
extension AgentTools {
    var output: AgentTool {
        Tool(
            "ssh_output", title: "Read output",
            "Reads what the terminal showed, line by line (sessionId), or a part of a command's output (commandId). Pass nextCursor back as cursor to read on without loss.",
            input: .object([
                "sessionId": .string(), "cursor": .string("Where an earlier answer ended."),
                "since": .integer("Or: the number of the first line.", from: 0),
                "limit": .integer("The last so many lines.", from: 0),
                "grep": .string("Only lines that match this regular expression."),
                "maxBytes": .integer("Bytes to return.", from: 64, to: 1 << 20),
                "waitMs": .integer(
                    "Wait for something new when there is nothing.", from: 0, to: Int64(Self.longestWait)),
                "commandId": .string(), "stream": .string("Of a command.", choices: ["stdout", "stderr"]),
                "offset": .integer("Of a command: the first byte.", from: 0),
            ]),
            output: .object([
                "lines": .list(.string()), "nextCursor": .string(), "currentLine": .integer(), "partial": .bool(),
                "truncated": .bool(), "state": .string(), "text": .string().orNull, "nextOffset": .integer(),
                "totalBytes": .integer(),
            ]), hints: .reads
        ) { [agents] arguments, context in
            let agent = context.principal
            let bytes = try arguments.integer("maxBytes", in: 64...(1 << 20))
            if let id = try arguments.string("commandId") {
                let offset = try arguments.integer("offset", in: 0...Int.max) ?? 0
                let isError = try arguments.choice("stream", ["stdout", "stderr"]) == "stderr"
                return try await Self.answer(context) { (view: CommandOutputView) in
                    "Bytes \(view.offset) to \(view.nextOffset) of \(view.totalBytes)."
                        + AgentTexts.fenced(view.text ?? "", view.stream)
                } _: { () throws(GatewayError) in
                    try await agents.commandOutput(
                        id, isError: isError, offset: offset, limit: bytes ?? 16 << 10, agent)
                }
            }
            let id = try arguments.required("sessionId")
            let milliseconds = try arguments.integer("waitMs", in: 0...3_600_000) ?? 0
            let query = OutputQuery(
                since: try arguments.integer("since", in: 0...Int(Int32.max)), cursor: try arguments.string("cursor"),
                limit: try arguments.integer("limit", in: 0...100_000), maxBytes: bytes,
                grep: try arguments.string("grep"),
                wait: .milliseconds(min(milliseconds, Self.longestWait)))
            return try await Self.answer(context) { (view: OutputView) in
                "nextCursor \(view.nextCursor), state \(view.state)\(view.partial ? ", the last line is unfinished" : "")"
                    + AgentTexts.fenced(view.lines.joined(separator: "\n"), "terminal")
            } _: { () throws(GatewayError) in
                try await agents.output(id, query, agent)
            }
        }
    }

    var screen: AgentTool {
        Tool(
            "ssh_screen", title: "Look at the screen",
            "Shows the terminal's screen as a person sees it: for full-screen programs.",
            input: .object(["sessionId": Self.sessionID], required: ["sessionId"]), output: AgentSchemas.screen,
            hints: .reads
        ) { [agents] arguments, context in
            let id = try arguments.required("sessionId")
            return try await Self.answer(context, text: AgentTexts.screen) { () throws(GatewayError) in
                try await agents.screen(id, context.principal)
            }
        }
    }

    var input: AgentTool {
        Tool(
            "ssh_input", title: "Type",
            "Types into the terminal (sessionId), or sends input to a running command (commandId). Only for interactive programs: use ssh_exec for commands. With waitFor, waits for output that matches. Never type passwords: use ssh_handoff.",
            input: .object([
                "sessionId": .string(), "commandId": .string(), "input": .string("Text; \\n is Enter."),
                "keys": .list(.string(), "Keys after the text: Enter, Up, Escape, C-c, F5."),
                "waitFor": .string("What the output must match; linear regular expression."),
                "waitForMode": .string("", choices: ["regex", "literal", "prompt", "quiet"]),
                "timeoutMs": .integer(
                    "How long to wait for that; 10000 without it.", from: 0, to: Int64(Self.longestWait)),
                "quietMs": .integer("With mode quiet.", from: 50, to: 60_000),
                "epoch": .integer("The control epoch that you know: refused when the keyboard changed hands since."),
                "endOfFile": .bool("Of a command: its input ends here."),
            ]),
            output: .object([
                "success": .bool(), "currentLine": .integer(), "lines": .list(.string()), "timeout": .bool(),
                "matched": .string(),
                "cursor": .string(), "state": .string(), "control": AgentSchemas.control,
                "waiting": AgentSchemas.waiting,
            ]), hints: .destroys
        ) { [agents] arguments, context in
            let text = try arguments.string("input")
            if let id = try arguments.string("commandId") {
                let isEnd = try arguments.bool("endOfFile") ?? false
                return try await Self.answer(context) { (_: [String: Bool]) in
                    "Sent."
                } _: { () throws(GatewayError) in
                    try await agents.sendInput(id, Array((text ?? "").utf8), endOfFile: isEnd, context.principal)
                    return ["success": true]
                }
            }
            let id = try arguments.required("sessionId")
            let input = TerminalInput(
                input: text, keys: try arguments.strings("keys") ?? [], waitFor: try Self.waitFor(arguments),
                timeout: .milliseconds(
                    min(try arguments.integer("timeoutMs", in: 0...3_600_000) ?? 10_000, Self.longestWait)),
                epoch: try arguments.integer("epoch", in: 0...Int.max))
            return try await Self.answer(context, text: AgentTexts.typed) { () throws(GatewayError) in
                try await agents.input(id, input, context.principal)
            }
        }
    }

    private static func waitFor(_ arguments: Arguments) throws -> TerminalInput.WaitFor? {
        let wanted = try arguments.string("waitFor")
        switch try arguments.choice("waitForMode", ["regex", "literal", "prompt", "quiet"]) {
        case nil, "regex": return wanted.map { .pattern($0) }
        case "literal": return .literal(wanted ?? "")
        case "prompt": return .prompt
        default: return .quiet(.milliseconds(try arguments.integer("quietMs", in: 50...60_000) ?? 500))
        }
    }

    var signal: AgentTool {
        let names = ["SIGINT", "EOF", "SIGQUIT", "SIGTSTP", "SIGTERM", "SIGKILL", "SIGHUP", "stop"]
        return Tool(
            "ssh_signal", title: "Stop or signal",
            "Signals what runs in the terminal (sessionId), or a command (commandId). signal: stop ends a command with everything that it started.",
            input: .object(
                ["sessionId": .string(), "commandId": .string(), "signal": .string("", choices: names)],
                required: ["signal"]),
            output: .object(["success": .bool(), "delivered": .string(), "state": .string(), "stop": .string()]),
            hints: .destroys
        ) { [agents] arguments, context in
            let name = try arguments.choice("signal", names) ?? "SIGINT"
            let agent = context.principal
            guard let id = try arguments.string("commandId") else {
                let id = try arguments.required("sessionId")
                return try await Self.answer(context, text: AgentTexts.signalled) { () throws(GatewayError) in
                    try await agents.signal(id, name, agent)
                }
            }
            if name == "stop" {
                return try await Self.answer(context, text: AgentTexts.command) { () throws(GatewayError) in
                    try await agents.stop(id, agent)
                }
            }
            return try await Self.answer(context, text: AgentTexts.signalled) { () throws(GatewayError) in
                try await agents.signalCommand(id, name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name, agent)
            }
        }
    }
}
