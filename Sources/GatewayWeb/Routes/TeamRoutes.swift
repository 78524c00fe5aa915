import Gateway
import Hummingbird

/// `/api/teams`: people who are invited together.
struct TeamRoutes: Sendable {
    private struct NewTeamBody: Decodable {
        let name: String
        let members: [String]?
    }
    private struct NameBody: Decodable {
        let name: String
    }
    private struct MemberBody: Decodable {
        let userId: String
    }

    let teams: Teams

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/teams") { _, caller in
            try JSONAnswer.response(["teams": try await teams.teams(caller)])
        }
        routes.signedIn(.post, "/api/teams") { call, caller in
            let body = try call.body(NewTeamBody.self)
            let team = try await teams.add(name: body.name, members: body.members ?? [], caller: caller)
            return try JSONAnswer.response(["team": team], status: .created)
        }
        routes.signedIn(.patch, "/api/teams/:id") { call, caller in
            let body = try call.body(NameBody.self)
            return try answer(try await teams.rename(call.parameter("id"), to: body.name, caller: caller))
        }
        routes.signedIn(.delete, "/api/teams/:id") { call, caller in
            try await teams.remove(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
        routes.signedIn(.post, "/api/teams/:id/members") { call, caller in
            let body = try call.body(MemberBody.self)
            return try answer(try await teams.addMember(body.userId, to: call.parameter("id"), caller: caller))
        }
        routes.signedIn(.delete, "/api/teams/:id/members/:userId") { call, caller in
            try answer(
                try await teams.removeMember(
                    call.parameter("userId"), from: call.parameter("id"), caller: caller))
        }
    }

    private func answer(_ team: Team) throws -> Response { try JSONAnswer.response(["team": team]) }
}
