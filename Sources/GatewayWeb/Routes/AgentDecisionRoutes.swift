import Gateway
import HTTPTypes
import Hummingbird

/// What people decide about AI agents: who gets in, what they may do, and when it ends.
struct AgentDecisionRoutes: Sendable {
    private struct ReasonBody: Decodable {
        let reason: String?
    }
    private struct PauseBody: Decodable {
        let stopCommands: Bool?
    }
    private struct PrivateBody: Decodable {
        let on: Bool
    }
    private struct ReturnBody: Decodable {
        let note: String?
    }
    private struct AnswerBody: Decodable {
        let scope: String?
        let minutes: Int?
        let pattern: String?
        let command: String?

        func answer() throws -> ApprovalAnswer {
            switch scope ?? "once" {
            case "once": return .once
            case "exact": return .exact(minutes: minutes ?? 10)
            case "pattern":
                guard let pattern, !pattern.isEmpty else {
                    throw GatewayError.invalid(field: "pattern", "The pattern is missing.")
                }
                return .pattern(pattern)
            case "edited":
                guard let command, !command.isEmpty else {
                    throw GatewayError.invalid(field: "command", "The changed command is missing.")
                }
                return .edited(command)
            default:
                throw GatewayError.invalid(field: "scope", "“scope” must be once, exact, pattern or edited.")
            }
        }
    }
    private struct ProofBody: Decodable {
        let passkey: PasskeyAssertion?
    }
    private struct TokenBody: Decodable {
        let name: String
        let validDays: Int?
    }

    let agents: AgentService

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/agent-requests") { _, caller in
            try JSONAnswer.response(["requests": try await agents.inbox(caller)])
        }
        routes.signedIn(.post, "/api/agent-requests/:id/approve") { call, caller in
            let choice = try call.body(AgentGrant.Choice.self)
            return try JSONAnswer.response(
                [
                    "request": try await agents.approve(
                        call.parameter("id"), choice, proof: try proof(call), caller: caller)
                ])
        }
        routes.signedIn(.post, "/api/agent-requests/:id/deny") { call, caller in
            let body = try call.body(ReasonBody.self)
            return try JSONAnswer.response(
                ["request": try await agents.deny(call.parameter("id"), reason: body.reason ?? "", caller: caller)])
        }
        routes.signedIn(.post, "/api/agent-approvals/:id/approve") { call, caller in
            let answer = try call.body(AnswerBody.self).answer()
            return try JSONAnswer.response(
                [
                    "approval": try await agents.answer(
                        call.parameter("id"), answer, proof: try proof(call), caller: caller)
                ])
        }
        routes.signedIn(.post, "/api/agent-approvals/:id/deny") { call, caller in
            let body = try call.body(ReasonBody.self)
            return try JSONAnswer.response(
                [
                    "approval": try await agents.answer(
                        call.parameter("id"), .deny(reason: body.reason ?? ""), proof: try proof(call), caller: caller)
                ])
        }
        addSessions(to: routes)
        addTokens(to: routes)
        addPasskeys(to: routes)
    }

    private func proof(_ call: Call) throws -> PasskeyProof {
        let body = call.bodyBytes.readableBytes == 0 ? nil : try call.body(ProofBody.self).passkey
        return PasskeyProof(body, origin: call.request.headers[.origin] ?? agents.address)
    }

    private func addPasskeys(to routes: RouteTable) {
        let passkeys = agents.passkeys
        routes.signedIn(.get, "/api/me/passkeys") { _, caller in
            try JSONAnswer.response(["passkeys": try await passkeys.list(caller)])
        }
        routes.signedIn(.post, "/api/me/passkeys/creation") { call, caller in
            try JSONAnswer.response(try await passkeys.creation(caller, origin: try proof(call).origin))
        }
        routes.signedIn(.post, "/api/me/passkeys") { call, caller in
            let made = try await passkeys.add(try call.body(NewPasskey.self), try proof(call), caller: caller)
            return try JSONAnswer.response(["passkey": made], status: .created)
        }
        routes.signedIn(.delete, "/api/me/passkeys/:id") { call, caller in
            try await passkeys.remove(call.parameter("id"), try proof(call), caller: caller)
            return JSONAnswer.noContent
        }
    }

    private func addSessions(to routes: RouteTable) {
        routes.signedIn(.get, "/api/agent-sessions") { _, caller in
            try JSONAnswer.response(["sessions": try await agents.agentSessions(caller)])
        }
        routes.signedIn(.get, "/api/agent-sessions/:id") { call, caller in
            try answer(try await agents.agentSession(call.parameter("id"), caller: caller))
        }
        routes.signedIn(.delete, "/api/agent-sessions/:id") { call, caller in
            try await agents.endGrant(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
        routes.signedIn(.post, "/api/agent-sessions/:id/pause") { call, caller in
            let body = try call.body(PauseBody.self)
            return try answer(
                try await agents.pause(
                    call.parameter("id"), stoppingCommands: body.stopCommands ?? true, caller: caller))
        }
        routes.signedIn(.post, "/api/agent-sessions/:id/private") { call, caller in
            let body = try call.body(PrivateBody.self)
            return try answer(try await agents.hide(call.parameter("id"), body.on, caller: caller))
        }
        routes.signedIn(.post, "/api/agent-sessions/:id/return") { call, caller in
            let body = try call.body(ReturnBody.self)
            return try answer(
                try await agents.handBack(call.parameter("id"), note: body.note ?? "", caller: caller))
        }
        routes.signedIn(.post, "/api/agent-commands/:id/stop") { call, caller in
            try answer(try await agents.stopCommand(call.parameter("id"), caller: caller))
        }
    }

    private func addTokens(to routes: RouteTable) {
        routes.signedIn(.get, "/api/agents") { _, caller in
            try JSONAnswer.response(["agents": try await agents.tokens.list(caller)])
        }
        routes.signedIn(.post, "/api/agents") { call, caller in
            let body = try call.body(TokenBody.self)
            if let days = body.validDays, !(1...3650).contains(days) {
                throw GatewayError.invalid(field: "validDays", "A token is good for 1 to 3650 days.")
            }
            let made = try await agents.tokens.add(
                name: body.name, validity: body.validDays.map { .seconds($0 * 24 * 3600) }, caller: caller)
            return try JSONAnswer.response(NewAgentAnswer(agent: made.agent, token: made.token), status: .created)
        }
        routes.signedIn(.delete, "/api/agents/:id") { call, caller in
            try await agents.tokens.revoke(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
    }

    private func answer(_ session: AgentAtSessionView) throws -> Response {
        try JSONAnswer.response(["session": session])
    }
}

/// A new agent, with its token this once.
struct NewAgentAnswer: Encodable {
    let agent: AgentTokenView
    let token: String
}
