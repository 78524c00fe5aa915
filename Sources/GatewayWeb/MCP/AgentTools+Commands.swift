import Foundation
import Gateway
import MCP

/// Commands.
extension AgentTools {
    var exec: AgentTool {
        Tool(
            "ssh_exec", title: "Run a command",
            "Runs one command on the server, by itself: no state is kept, so give cwd and env each time (or terminal: true). Returns stdout, stderr and exitCode. If state is running or awaiting_approval, call ssh_wait with commandId; do not run it again.",
            input: .object(
                [
                    "sessionId": Self.sessionID, "command": .string("A line for sh."),
                    "argv": .list(.string(), "Instead of command: its words, which no shell interprets."),
                    "cwd": .string("The folder to run in."), "env": .map(of: .string(), "Environment variables."),
                    "stdin": .string("Its input; empty without it."),
                    "purpose": .string("Why, in a few words: people see it."),
                    "waitMs": Self.waitMs,
                    "timeoutMs": .integer("How long the command may take; 120000 without it.", from: 1, to: 86_400_000),
                    "onTimeout": .string(
                        "detach (usual): it goes on. stop: it is ended.", choices: ["detach", "stop"]),
                    "idempotencyKey": .string("The same key never runs twice."),
                    "sudo": .bool("Run it as root: sudo is answered from the vault, if a person allows that."),
                    "durable": .bool(
                        "It survives a lost connection and the copilot's restart, and is found again by commandId."),
                    "terminal": .bool(
                        "Type it at the terminal's prompt instead: folder, variables and jobs of that shell stay. One line; not with cwd, env, stdin, sudo or durable."
                    ),
                    "dryRun": .bool("Only say whether it would be allowed."),
                    "maxBytes": .integer("Bytes of each stream to return.", from: 256, to: 1 << 20),
                    "head": .integer("Of those, from the beginning.", from: 0),
                    "tail": .integer("Of those, from the end.", from: 0),
                ], required: ["sessionId"]), output: AgentSchemas.command, hints: .destroys
        ) { [agents] arguments, context in
            let id = try arguments.required("sessionId")
            var request = try Self.exec(arguments)
            let wait = try Self.wait(arguments)
            // At first without waiting, so that the command's name is known should the call be taken back.
            request.wait = .zero
            return try await Self.answer(context, text: AgentTexts.command) { () throws(GatewayError) in
                let started = try await agents.exec(id, request, context.principal)
                guard started.isPending, !request.isDryRun else { return started }
                context.progress(started.state == "awaiting_approval" ? "A person is asked." : "running")
                let view = try await agents.command(
                    started.commandId, until: .exit, wait: wait, view: request.view, context.principal)
                // Whoever started a durable command wants it to go on without a listener.
                guard context.isCancelled, view.isPending, !request.isDurable else { return view }
                return try await Self.stop(started.commandId, agents, context.principal)
            }
        }
    }

    /// In a task of its own: that of a call which was taken back can wait for nothing any more.
    private static func stop(_ id: String, _ agents: AgentService, _ agent: Agent) async throws(GatewayError)
        -> AgentCommandView
    {
        let stopping = Task { () async -> Result<AgentCommandView, GatewayError> in
            do throws(GatewayError) { return .success(try await agents.stop(id, agent)) } catch {
                return .failure(error)
            }
        }
        return try await stopping.value.get()
    }

    private static func exec(_ arguments: Arguments) throws -> ExecRequest {
        let environment = try (arguments.object("env") ?? [:]).mapValues { value -> String in
            guard let text = value.string else {
                throw ToolFailure("invalid", "“env” must have texts as values.", hint: "Write numbers as texts too.")
            }
            return text
        }
        var request = ExecRequest(
            command: try arguments.string("command"), arguments: try arguments.strings("argv"),
            workingDirectory: try arguments.string("cwd"), environment: environment,
            input: try arguments.string("stdin").map { Array($0.utf8) },
            timeout: .milliseconds(try arguments.integer("timeoutMs", in: 1...86_400_000) ?? 120_000),
            onTimeout: try arguments.choice("onTimeout", ["detach", "stop"]).flatMap(ExecRequest.OnTimeout.init)
                ?? .detach,
            idempotencyKey: try arguments.string("idempotencyKey"),
            isDurable: try arguments.bool("durable") ?? false,
            purpose: try arguments.string("purpose").map { String($0.prefix(500)) },
            isDryRun: try arguments.bool("dryRun") ?? false, view: try Self.view(arguments))
        request.isRoot = try arguments.bool("sudo") ?? false
        request.inTerminal = try arguments.bool("terminal") ?? false
        return request
    }

    static func view(_ arguments: Arguments) throws -> CommandViewOptions {
        let most = 1 << 20
        return CommandViewOptions(
            maxBytes: try arguments.integer("maxBytes", in: 256...most) ?? 16 << 10,
            head: try arguments.integer("head", in: 0...most),
            tail: try arguments.integer("tail", in: 0...most))
    }

    var wait: AgentTool {
        Tool(
            "ssh_wait", title: "Wait",
            "Waits for a command (commandId), an approval (approvalId), a plan (planId), or a session (sessionId): its approval, or until you have the terminal again (until: control).",
            input: .object([
                "commandId": .string(), "sessionId": .string(), "approvalId": .string(), "planId": .string(),
                "until": .string(
                    "Of a command: exit (usual) or output. Of a session: decision (usual), control or change.",
                    choices: ["exit", "output", "decision", "control", "change"]),
                "beyond": .integer("With until: output, wait for more than this many bytes of both streams.", from: 0),
                "maxBytes": .integer("Bytes of each stream to return.", from: 256, to: 1 << 20), "waitMs": Self.waitMs,
            ]),
            output: .object(["kind": .string("command, session, approval or plan")], required: ["kind"]), hints: .reads
        ) { [agents] arguments, context in
            let (agent, wait) = (context.principal, try Self.wait(arguments))
            let until = try arguments.string("until")
            if let id = try arguments.string("commandId") {
                let options = try Self.view(arguments)
                let beyond = try arguments.integer("beyond", in: 0...Int.max) ?? 0
                let answer = try await Self.answer(context, text: AgentTexts.command) { () throws(GatewayError) in
                    try await agents.command(
                        id, until: until == "output" ? .output(beyond: beyond) : .exit, wait: wait, view: options, agent
                    )
                }
                return answer.with(kind: "command")
            }
            if let id = try arguments.string("approvalId") {
                return try await Self.answer(context, text: AgentTexts.approval) { () throws(GatewayError) in
                    try await agents.approval(id, wait: wait, agent)
                }.with(kind: "approval")
            }
            if let id = try arguments.string("planId") {
                return try await Self.answer(context, text: AgentTexts.plan) { () throws(GatewayError) in
                    try await agents.plan(id, wait: wait, agent)
                }.with(kind: "plan")
            }
            let id = try arguments.required("sessionId")
            let change: SessionWait = until == "control" ? .control : until == "change" ? .change : .decision
            return try await Self.answer(context, text: AgentTexts.session) { () throws(GatewayError) in
                try await agents.session(id, agent, until: change, wait: wait)
            }.with(kind: "session")
        }
    }
}

extension ToolAnswer {
    /// What the data is about, where a tool answers about several things.
    func with(kind: String) -> ToolAnswer {
        var members = data.object ?? [:]
        members["kind"] = .string(kind)
        return ToolAnswer(text: text, data: .object(members), isError: isError)
    }
}
