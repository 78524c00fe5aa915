import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore

/// What AI agents call. The paths and fields of sessions are those that such agents know already; everything beyond is in
/// further fields that one may leave out. Each call is a few lines: `AgentService` does the work.
struct AgentRoutes: Sendable {
    /// Until a response begins: calls wait for people and commands up to two minutes.
    static let time: Duration = .seconds(150)
    /// Input of a command and contents of a file come as base64 in JSON.
    static let largeBody = 24 << 20

    let agents: AgentService

    func add(to routes: RouteTable) {
        routes.open(.get, "/instructions") { _ in
            try Self.markdown(AgentInstructions.text(nil, address: agents.address))
        }
        routes.open(.get, "/instructions/:topic") { call in
            try Self.markdown(AgentInstructions.text(call.parameter("topic"), address: agents.address))
        }
        routes.agent(.post, "/api/sessions/request", time: Self.time) { call, agent in
            let view = try await agents.request(
                try call.body(AgentRequest.New.self), agent, wait: try call.body(WaitBody.self).wait)
            return try JSONAnswer.response(view, status: .created)
        }
        routes.agent(.get, "/api/agent/hosts") { _, agent in
            try JSONAnswer.response(["hosts": try await agents.hosts(agent)])
        }
        routes.agent(.get, "/api/events", time: Self.time) { call, agent in
            let since = try call.integer("sinceSeq", in: 0...Int64.max) ?? 0
            return try JSONAnswer.response(
                try await agents.events(agent, since: Int(since), session: call.query("sessionId"), wait: call.wait()))
        }
        routes.agent(.get, "/api/approvals/:id", time: Self.time) { call, agent in
            try JSONAnswer.response(try await agents.approval(call.parameter("id"), wait: call.wait(), agent))
        }
        addCommands(to: routes)
        addTerminal(to: routes)
        addFiles(to: routes)
        routes.agent(.post, "/api/sessions/:id/plan") { call, agent in
            let body = try call.body(PlanBody.self)
            let plan = try await agents.plan(
                call.parameter("id"), goal: body.goal ?? "", steps: body.steps, agent)
            return try JSONAnswer.response(plan, status: .created)
        }
        routes.agent(.get, "/api/plans/:id", time: Self.time) { call, agent in
            try JSONAnswer.response(try await agents.plan(call.parameter("id"), wait: call.wait(), agent))
        }
    }

    private static func markdown(_ text: String?) throws -> Response {
        guard let text else {
            throw GatewayError(
                "not_found", status: 404, "There is no such topic.",
                hint: "The topics are: \(AgentInstructions.topics.joined(separator: ", ")).")
        }
        return Response(
            status: .ok, headers: [.contentType: "text/markdown; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    // MARK: Sessions

    func list(_ call: Call, _ agent: Agent) async throws -> Response {
        let since = try call.integer("sinceSeq", in: 0...Int64.max)
        return try JSONAnswer.response(
            try await agents.sessions(agent, since: since.map { Int($0) }, wait: call.wait()))
    }

    func one(_ call: Call, _ agent: Agent) async throws -> Response {
        let until: SessionWait =
            switch call.query("until") {
            case "control": .control
            case "change": .change
            default: .decision
            }
        return try JSONAnswer.response(
            try await agents.session(call.parameter("id"), agent, until: until, wait: call.wait()))
    }

    func close(_ call: Call, _ agent: Agent) async throws -> Response {
        try await agents.close(call.parameter("id"), agent)
        return try JSONAnswer.response(SuccessAnswer())
    }

    // MARK: Commands

    private func addCommands(to routes: RouteTable) {
        routes.agent(.post, "/api/sessions/:id/exec", bodyBytes: Self.largeBody, time: Self.time) { call, agent in
            let body = try call.body(ExecBody.self)
            let view = try await agents.exec(call.parameter("id"), try body.request(), agent)
            // Who knows nothing of commands that go on gets what there is, and is told that time was up.
            return try JSONAnswer.response(view, status: view.isPending && !body.isPlain ? .accepted : .ok)
        }
        routes.agent(.get, "/api/sessions/:id/commands") { call, agent in
            try JSONAnswer.response(["commands": try await agents.commands(call.parameter("id"), agent)])
        }
        routes.agent(.get, "/api/commands/:id", time: Self.time) { call, agent in
            let until: CommandWait =
                call.query("until") == "output"
                ? .output(beyond: Int(try call.integer("beyond", in: 0...Int64.max) ?? 0)) : .exit
            let view = try await agents.command(
                call.parameter("id"), until: until, wait: call.wait(), view: call.viewOptions(), agent)
            return try JSONAnswer.response(view, status: view.isPending ? .accepted : .ok)
        }
        routes.agent(.get, "/api/commands/:id/output") { call, agent in
            try JSONAnswer.response(
                try await agents.commandOutput(
                    call.parameter("id"), isError: call.query("stream") == "stderr",
                    offset: Int(try call.integer("offset", in: 0...Int64.max) ?? 0),
                    limit: Int(try call.integer("length", in: 1...(1 << 20)) ?? 64 << 10),
                    base64: call.query("encoding") == "base64", agent))
        }
        routes.agent(.post, "/api/commands/:id/input", bodyBytes: Self.largeBody) { call, agent in
            let body = try call.body(CommandInputBody.self)
            try await agents.sendInput(
                call.parameter("id"), try body.bytes(), endOfFile: body.endOfFile ?? false, agent)
            return try JSONAnswer.response(SuccessAnswer())
        }
        routes.agent(.post, "/api/commands/:id/signal") { call, agent in
            let body = try call.body(SignalBody.self)
            return try JSONAnswer.response(
                try await agents.signalCommand(call.parameter("id"), body.signal ?? "", agent))
        }
        routes.agent(.post, "/api/commands/:id/stop", time: Self.time) { call, agent in
            try JSONAnswer.response(try await agents.stop(call.parameter("id"), agent))
        }
    }

    // MARK: The terminal

    private func addTerminal(to routes: RouteTable) {
        routes.agent(.post, "/api/sessions/:id/input", time: Self.time) { call, agent in
            let body = try call.body(InputBody.self)
            return try JSONAnswer.response(try await agents.input(call.parameter("id"), try body.typing(), agent))
        }
        routes.agent(.post, "/api/sessions/:id/signal") { call, agent in
            let body = try call.body(SignalBody.self)
            return try JSONAnswer.response(try await agents.signal(call.parameter("id"), body.signal ?? "", agent))
        }
        routes.agent(.get, "/api/sessions/:id/output", time: Self.time) { call, agent in
            try JSONAnswer.response(try await agents.output(call.parameter("id"), call.outputQuery(), agent))
        }
        routes.agent(.get, "/api/sessions/outputs", time: Self.time) { call, agent in
            let ids = (call.query("ids") ?? "").split(separator: ",").map(String.init)
            return try JSONAnswer.response(try await agents.outputs(ids, call.outputQuery(), agent))
        }
        routes.agent(.get, "/api/sessions/:id/history") { call, agent in
            let format = AgentService.HistoryFormat(rawValue: call.query("format") ?? "raw") ?? .raw
            let bytes = try await agents.history(call.parameter("id"), format, agent)
            return Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        routes.agent(.get, "/api/sessions/:id/screen") { call, agent in
            try JSONAnswer.response(try await agents.screen(call.parameter("id"), agent))
        }
        routes.agent(.post, "/api/sessions/:id/handoff", time: Self.time) { call, agent in
            let body = call.bodyBytes.readableBytes == 0 ? HandoffBody() : try call.body(HandoffBody.self)
            return try JSONAnswer.response(
                try await agents.handoff(
                    call.parameter("id"), message: body.message ?? "", kind: body.kind ?? "other",
                    wait: .milliseconds(max(0, body.waitMs ?? 0)), agent))
        }
    }
}

struct SuccessAnswer: Encodable {
    let success = true
}

extension Call {
    /// `waitMs` of the query.
    func wait() throws -> Duration {
        .milliseconds(try integer("waitMs", in: 0...600_000) ?? 0)
    }

    func viewOptions() throws -> CommandViewOptions {
        let most = Int64(16 << 20)
        return CommandViewOptions(
            maxBytes: try integer("maxBytes", in: 1...most).map { Int($0) },
            head: try integer("head", in: 0...most).map { Int($0) },
            tail: try integer("tail", in: 0...most).map { Int($0) },
            base64: query("encoding") == "base64")
    }

    func outputQuery() throws -> OutputQuery {
        let isRaw = query("clean") == "false" || query("mode") == "raw"
        return OutputQuery(
            since: try integer("since", in: 0...Int64(Int32.max)).map { Int($0) }, cursor: query("cursor"),
            limit: try integer("limit", in: 0...100_000).map { Int($0) }, mode: isRaw ? .raw : .clean,
            maxBytes: try integer("maxBytes", in: 1...(1 << 20)).map { Int($0) }, grep: query("grep"),
            wait: try wait(), base64: query("encoding") == "base64")
    }
}
