import Gateway
import MCP

/// Coming in and going out.
extension AgentTools {
    var hosts: AgentTool {
        let host = Schema.object(
            ["alias": .string(), "username": .string(), "environment": .string(), "tags": .list(.string())],
            required: ["alias", "username"])
        return Tool(
            "ssh_hosts", title: "Known servers", "Lists servers that access can be requested for.",
            input: .object(), output: .object(["hosts": .list(host)], required: ["hosts"]), hints: .reads
        ) { [agents] _, context in
            try await Self.answer(context) { (list: [String: [AgentHostView]]) in
                let hosts = list["hosts"] ?? []
                guard !hosts.isEmpty else { return "No server is listed; ask for one by its name or address." }
                return hosts.map { "\($0.alias) (as \($0.username), \($0.environment))" }.joined(separator: "\n")
            } _: { () throws(GatewayError) in
                ["hosts": try await agents.hosts(context.principal)]
            }
        }
    }

    var requestAccess: AgentTool {
        Tool(
            "ssh_request_access", title: "Request access to a server",
            "Asks a person for access to a server and waits for the answer. Say in reason what you will do and why. Returns a session; if status is pending, call ssh_wait with sessionId.",
            input: .object(
                [
                    "host": .string("Name or address of the server."), "username": .string("The account to work as."),
                    "reason": .string("What you want to do and why: a person reads it."),
                    "port": .integer("SSH port; 22 without it.", from: 1, to: 65535),
                    "mode": .string(
                        "How much you need; less is granted sooner.", choices: AgentMode.allCases.map(\.rawValue)),
                    "commands": .list(.string(), "Patterns of commands you will need, such as 'systemctl status *'."),
                    "sudo": .string("Whether you need root.", choices: AgentSudo.allCases.map(\.rawValue)),
                    "files": .object(
                        ["read": .list(.string()), "write": .list(.string())],
                        "Paths you will read and write; * is any text."),
                    "durationMinutes": .integer("For how long.", from: 1, to: 1440), "waitMs": Self.waitMs,
                ], required: ["host", "username", "reason"]),
            output: AgentSchemas.session, hints: .acts
        ) { [agents] arguments, context in
            let new = try Self.request(arguments)
            let wait = try Self.wait(arguments)
            context.progress("A person is asked.")
            return try await Self.answer(context, text: AgentTexts.session) { () throws(GatewayError) in
                try await agents.request(new, context.principal, wait: wait)
            }
        }
    }

    private static func request(_ arguments: Arguments) throws -> AgentRequest.New {
        let files = try arguments.object("files").map(Arguments.init)
        return AgentRequest.New(
            host: try arguments.required("host"), username: try arguments.required("username"),
            reason: try arguments.required("reason"), port: try arguments.integer("port", in: 1...65535),
            mode: try arguments.choice("mode", AgentMode.allCases.map(\.rawValue)).flatMap(AgentMode.init),
            commands: try arguments.strings("commands"),
            sudo: try arguments.choice("sudo", AgentSudo.allCases.map(\.rawValue)).flatMap(AgentSudo.init),
            files: try files.map {
                AgentGrant.Files(read: try $0.strings("read") ?? [], write: try $0.strings("write") ?? [])
            }, durationMinutes: try arguments.integer("durationMinutes", in: 1...1440))
    }

    var sessions: AgentTool {
        Tool(
            "ssh_sessions", title: "Your sessions", "Lists your sessions and pending requests.",
            input: .object([
                "sinceSeq": .integer("Wait until there is something newer than this seq.", from: 0),
                "waitMs": .integer("How long to wait for that.", from: 0, to: Int64(Self.longestWait)),
            ]),
            output: .object(
                ["active": .list(AgentSchemas.session), "pending": .list(AgentSchemas.session), "seq": .integer()],
                required: ["active", "pending", "seq"]), hints: .reads
        ) { [agents] arguments, context in
            let since = try arguments.integer("sinceSeq", in: 0...Int.max)
            let wait = since == nil ? .zero : try Self.wait(arguments)
            return try await Self.answer(context) { (list: AgentSessionList) in
                let all = list.active + list.pending
                return all.isEmpty
                    ? "You have no session. Ask for one with ssh_request_access."
                    : all.map(AgentTexts.line).joined(separator: "\n")
            } _: { () throws(GatewayError) in
                try await agents.sessions(context.principal, since: since, wait: wait)
            }
        }
    }

    var handoff: AgentTool {
        Tool(
            "ssh_handoff", title: "Hand over to a person",
            "Gives the terminal to a person with a message (a password, a decision, when you are stuck) and waits for it to come back. If handback is missing, call ssh_wait with sessionId and until: control.",
            input: .object(
                [
                    "sessionId": Self.sessionID, "message": .string("What the person is to do."),
                    "kind": .string("", choices: ["password", "2fa", "decision", "stuck", "other"]),
                    "waitMs": Self.waitMs,
                ], required: ["sessionId", "message"]),
            output: .object(
                [
                    "success": .bool(), "handoffId": .string(), "status": .string(),
                    "handback": .object([
                        "by": .string(), "note": .string(), "screen": .list(.string()), "cwd": .string().orNull,
                        "humanCommands": .list(.object(["command": .string(), "exitCode": .integer().orNull])),
                    ]),
                ], required: ["success", "handoffId", "status"]), hints: .acts
        ) { [agents] arguments, context in
            let (id, message) = (try arguments.required("sessionId"), try arguments.required("message"))
            let (kind, wait) = (try arguments.string("kind") ?? "other", try Self.wait(arguments))
            context.progress("A person is asked.")
            return try await Self.answer(context) { (view: AgentService.HandoffView) in
                guard let back = view.handback else {
                    return
                        "A person has been told; nobody has returned the terminal yet. Next: ssh_wait with sessionId \(id), until: control."
                }
                let note = AgentTexts.handback(back)
                return "\(AgentTexts.visible(back.by)) returned the terminal.\n\(note)"
                    + AgentTexts.fenced(back.screen.joined(separator: "\n"), "screen")
            } _: { () throws(GatewayError) in
                try await agents.handoff(id, message: message, kind: kind, wait: wait, context.principal)
            }
        }
    }

    var plan: AgentTool {
        let step = Schema.object(
            ["command": .string(), "purpose": .string(), "cwd": .string("The folder that it will run in.")],
            required: ["command"])
        return Tool(
            "ssh_plan", title: "Propose a plan",
            "Puts several commands before a person at once; when approved, each runs once without a further question.",
            input: .object(
                [
                    "sessionId": Self.sessionID, "goal": .string("What the plan is for."),
                    "steps": .list(step, "The commands, exactly as you will run them."), "waitMs": Self.waitMs,
                ], required: ["sessionId", "goal", "steps"]), output: AgentSchemas.plan, hints: .acts
        ) { [agents] arguments, context in
            let (id, goal) = (try arguments.required("sessionId"), try arguments.required("goal"))
            let wait = try Self.wait(arguments)
            let steps = try (arguments.objects("steps") ?? []).map(Arguments.init).map {
                AgentService.PlannedStep(
                    command: try $0.required("command"), purpose: try $0.string("purpose"), cwd: try $0.string("cwd"))
            }
            return try await Self.answer(context, text: AgentTexts.plan) { () throws(GatewayError) in
                let plan = try await agents.plan(id, goal: goal, steps: steps, context.principal)
                guard plan.status == "pending" else { return plan }
                context.progress("A person is asked.")
                return try await agents.plan(plan.planId, wait: wait, context.principal)
            }
        }
    }

    var close: AgentTool {
        Tool(
            "ssh_close", title: "Finish", "Ends your session, or withdraws a pending request.",
            input: .object(["sessionId": Self.sessionID], required: ["sessionId"]),
            output: .object(["success": .bool()], required: ["success"]), hints: .acts
        ) { [agents] arguments, context in
            let id = try arguments.required("sessionId")
            return try await Self.answer(context) { (_: [String: Bool]) in
                "Done."
            } _: { () throws(GatewayError) in
                try await agents.close(id, context.principal)
                return ["success": true]
            }
        }
    }
}
