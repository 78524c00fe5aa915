import Gateway
import Hummingbird

/// What people do with each other at a session: teams, links, chat, clipboard, watching, handing over.
struct SharingRoutes: Sendable {
    private struct SessionBody: Decodable {
        let watched: Bool?
        let held: Bool?
    }
    private struct TeamShareBody: Decodable {
        let teamId: String
        let mode: SeatMode?
    }
    private struct LinkBody: Decodable {
        let userId: String?
        let mode: SeatMode?
        let minutes: Int?
        let uses: Int?
        let label: String?
    }
    private struct ChatBody: Decodable {
        let text: String
    }
    private struct ClipboardBody: Decodable {
        let text: String
        /// `devices`, `everybody`, or a person's id.
        let to: String
        let seatId: String
    }
    private struct HandoffBody: Decodable {
        let userId: String
        let note: String?
        let minutes: Int?
    }

    let sessions: Sessions
    let handoffs: Handoffs
    /// `https` or `http`, for links.
    let scheme: String

    func add(to routes: RouteTable) {
        routes.signedIn(.patch, "/api/sessions/:id") { call, caller in try await change(call, caller) }
        routes.signedIn(.post, "/api/sessions/:id/teams") { call, caller in
            let body = try call.body(TeamShareBody.self)
            return try answer(
                try await sessions.share(
                    call.parameter("id"), teamID: body.teamId, mode: body.mode ?? .view, caller: caller))
        }
        routes.signedIn(.delete, "/api/sessions/:id/teams/:teamId") { call, caller in
            try answer(
                try await sessions.unshare(call.parameter("id"), teamID: call.parameter("teamId"), caller: caller))
        }
        addLinks(to: routes)
        addTalk(to: routes)
        addHandoffs(to: routes)
    }

    private func change(_ call: Call, _ caller: Caller) async throws -> Response {
        let body = try call.body(SessionBody.self)
        let id = call.parameter("id")
        if let watched = body.watched { _ = try await sessions.demandWatch(id, watched, caller: caller) }
        if let held = body.held { _ = try await sessions.hold(id, held, caller: caller) }
        return try answer(try await sessions.session(id, caller: caller))
    }

    private func answer(_ session: SessionView) throws -> Response {
        try JSONAnswer.response(SessionAnswer(session: session))
    }

    // MARK: Links

    private func addLinks(to routes: RouteTable) {
        routes.signedIn(.get, "/api/sessions/:id/links") { call, caller in
            try JSONAnswer.response(
                ["links": try await sessions.links(of: call.parameter("id"), caller: caller)])
        }
        routes.signedIn(.post, "/api/sessions/:id/links") { call, caller in
            let body = try call.body(LinkBody.self)
            let request = Sessions.LinkRequest(
                userID: body.userId, mode: body.mode ?? .view, minutes: body.minutes ?? 60, uses: body.uses ?? 1,
                label: body.label ?? "")
            let (link, secret) = try await sessions.makeLink(call.parameter("id"), request, caller: caller)
            let host = call.request.head.authority ?? ""
            // The secret stands in the fragment: it is in no log on the way, and in no Referer.
            return try JSONAnswer.response(
                NewLinkAnswer(link: link, url: "\(scheme)://\(host)/#/join?token=\(secret)"), status: .created)
        }
        routes.signedIn(.delete, "/api/sessions/:id/links/:linkId") { call, caller in
            try await sessions.revokeLink(call.parameter("linkId"), of: call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
    }

    // MARK: Chat and clipboard

    private func addTalk(to routes: RouteTable) {
        routes.seated(.get, "/api/sessions/:id/chat") { call, caller in
            try JSONAnswer.response(try await sessions.chat(of: call.parameter("id"), caller: caller))
        }
        routes.seated(.post, "/api/sessions/:id/chat") { call, caller in
            let body = try call.body(ChatBody.self)
            let message = try await sessions.say(body.text, in: call.parameter("id"), caller: caller)
            return try JSONAnswer.response(["message": message], status: .created)
        }
        routes.signedIn(.post, "/api/sessions/:id/clipboard") { call, caller in
            let body = try call.body(ClipboardBody.self)
            let audience: Sessions.ClipboardAudience =
                switch body.to {
                case "devices": .ownDevices
                case "everybody": .everybody
                default: .person(body.to)
                }
            let devices = try await sessions.offerClipboard(
                body.text, in: call.parameter("id"), to: audience, seat: body.seatId, caller: caller)
            return try JSONAnswer.response(["devices": devices])
        }
    }

    // MARK: Handing over

    private func addHandoffs(to routes: RouteTable) {
        routes.signedIn(.post, "/api/sessions/:id/handoffs") { call, caller in
            let body = try call.body(HandoffBody.self)
            let handoff = try await handoffs.offer(
                call.parameter("id"), to: body.userId, note: body.note ?? "", minutes: body.minutes ?? 10,
                caller: caller)
            return try JSONAnswer.response(["handoff": handoff], status: .created)
        }
        routes.signedIn(.get, "/api/handoffs") { _, caller in
            try JSONAnswer.response(["handoffs": handoffs.handoffs(caller)])
        }
        routes.signedIn(.get, "/api/handoffs/:id") { call, caller in
            try JSONAnswer.response(["handoff": try handoffs.handoff(call.parameter("id"), caller: caller)])
        }
        routes.signedIn(.post, "/api/handoffs/:id/accept") { call, caller in
            try JSONAnswer.response(["handoff": try await handoffs.accept(call.parameter("id"), caller: caller)])
        }
        routes.signedIn(.post, "/api/handoffs/:id/decline") { call, caller in
            try JSONAnswer.response(["handoff": try await handoffs.decline(call.parameter("id"), caller: caller)])
        }
        routes.signedIn(.post, "/api/handoffs/:id/withdraw") { call, caller in
            try JSONAnswer.response(["handoff": try await handoffs.withdraw(call.parameter("id"), caller: caller)])
        }
    }
}

private struct NewLinkAnswer: Encodable {
    let link: SessionLink
    /// The whole address, shown once.
    let url: String
}
