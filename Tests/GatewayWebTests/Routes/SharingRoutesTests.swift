import Foundation
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct SharingRoutesTests {
    @Test("teams are made, changed and removed by those who manage people, and seen by all")
    func teams() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let grace = try await server.person("grace", role: "devops", by: admin)
            let graceID = try #require(try await grace.json("GET", "/api/me")["user.id"]?.text)
            let made = try await admin.json("POST", "/api/teams", #"{"name": "On-call", "members": ["\#(graceID)"]}"#)
            let id = try #require(made["team.id"]?.text)
            #expect(made["team.members.0.username"] == .string("grace"))
            let again = try await admin.call("POST", "/api/teams", #"{"name": "on-CALL"}"#)
            #expect(again.status == 409 && again.code == "team_taken")
            let empty = try await admin.call("POST", "/api/teams", #"{"name": " "}"#)
            #expect(empty.status == 422)
            let nobody = try await admin.call("POST", "/api/teams/\(id)/members", #"{"userId": "usr_none"}"#)
            #expect(nobody.status == 404)
            let refused = try await grace.call("DELETE", "/api/teams/\(id)")
            #expect(refused.status == 403)
            let renamed = try await admin.json("PATCH", "/api/teams/\(id)", #"{"name": "Night"}"#)
            #expect(renamed["team.name"] == .string("Night"))
            let left = try await admin.json("DELETE", "/api/teams/\(id)/members/\(graceID)")
            #expect(left["team.members"]?.items.isEmpty == true)
            let added = try await admin.json("POST", "/api/teams/\(id)/members", #"{"userId": "\#(graceID)"}"#)
            #expect(added["team.members.0.id"] == .string(graceID))
            #expect(try await grace.json("GET", "/api/teams")["teams.0.name"] == .string("Night"))
            #expect(try await admin.call("DELETE", "/api/teams/\(id)").status == 204)
            #expect(try await grace.json("GET", "/api/teams")["teams"]?.items.isEmpty == true)
        }
    }

    @Test("a session is shared by team and by link, spoken about, and given away")
    func session() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let grace = try await server.person("grace", role: "ml-ops", by: admin)
                let graceID = try #require(try await grace.json("GET", "/api/me")["user.id"]?.text)
                let hostID = try await admin.addHost(host, alias: "web-prod")
                let started = try await admin.json(
                    "POST", "/api/sessions", #"{"hostId": "\#(hostID)", "columns": 80, "rows": 24}"#)
                let id = try #require(started["session.id"]?.text)
                #expect(started["session.watch.required"] == .bool(false))

                try await teams(of: id, graceID, admin, grace)
                try await links(of: id, admin, server)
                try await talk(at: id, admin)

                let watched = try await admin.json("PATCH", "/api/sessions/\(id)", #"{"watched": true}"#)
                #expect(watched["session.watch.by"] == .string("session"))
                let unwatched = try await admin.call("PATCH", "/api/sessions/\(id)", #"{"watched": false}"#)
                #expect(unwatched.status == 403)
                let guest = try await server.person("dan", role: "guest", by: admin)
                let guestID = try #require(try await guest.json("GET", "/api/me")["user.id"]?.text)
                let refused = try await admin.call(
                    "POST", "/api/sessions/\(id)/handoffs", #"{"userId": "\#(guestID)"}"#)
                #expect(refused.status == 403 && refused.code == "not_permitted")
                let second = try await server.person("bob", role: "admin", by: admin)
                let secondID = try #require(try await second.json("GET", "/api/me")["user.id"]?.text)
                let offered = try await admin.json(
                    "POST", "/api/sessions/\(id)/handoffs", #"{"userId": "\#(secondID)", "note": "Yours."}"#)
                let offer = try #require(offered["handoff.id"]?.text)
                #expect(try await second.json("GET", "/api/handoffs")["handoffs.0.note"] == .string("Yours."))
                #expect(try await grace.call("GET", "/api/handoffs/\(offer)").status == 404)
                #expect(try await second.call("GET", "/api/handoffs/\(offer)").status == 200)
                let taken = try await second.json("POST", "/api/handoffs/\(offer)/accept")
                #expect(taken["handoff.state"] == .string("accepted"))
                #expect(try await admin.call("POST", "/api/handoffs/\(offer)/withdraw").status == 409)
                #expect(try await second.call("POST", "/api/handoffs/\(offer)/decline").status == 409)
                #expect(try await admin.json("GET", "/api/sessions/\(id)")["session.owner.name"] == .string("Bob"))
                #expect(try await second.call("DELETE", "/api/sessions/\(id)").status == 204)
            }
        }
    }

    private func teams(of id: String, _ graceID: String, _ admin: Browser, _ grace: Browser) async throws {
        let team = try await admin.json("POST", "/api/teams", #"{"name": "All", "members": ["\#(graceID)"]}"#)
        let teamID = try #require(team["team.id"]?.text)
        let shared = try await admin.json(
            "POST", "/api/sessions/\(id)/teams", #"{"teamId": "\#(teamID)", "mode": "moderate"}"#)
        #expect(shared["session.teams.0.mode"] == .string("moderate"))
        #expect(try await grace.call("GET", "/api/sessions/\(id)").status == 200)
        let alone = try await admin.json("DELETE", "/api/sessions/\(id)/teams/\(teamID)")
        #expect(alone["session.teams"]?.items.isEmpty == true)
        #expect(try await grace.call("GET", "/api/sessions/\(id)").status == 404)
    }

    private func links(of id: String, _ admin: Browser, _ server: GatewayServer) async throws {
        let made = try await admin.json("POST", "/api/sessions/\(id)/links", #"{"uses": 2, "label": "Vendor"}"#)
        let link = try #require(made["link.id"]?.text)
        let secret = try #require(made["url"]?.text?.split(separator: "=").last)
        let listed = try await admin.call("GET", "/api/sessions/\(id)/links")
        #expect(!listed.body.contains(secret))
        let stranger = server.browser()
        let info = try await stranger.json("POST", "/auth/join/check", #"{"token": "\#(secret)"}"#)
        #expect(info["invitedBy"] == .string("Ada") && info["needsSignIn"] == .bool(false))
        let unnamed = try await stranger.call("POST", "/auth/join", #"{"token": "\#(secret)"}"#)
        #expect(unnamed.status == 422)
        let arrival = try await stranger.json("POST", "/auth/join", #"{"token": "\#(secret)", "name": "Eve"}"#)
        #expect(arrival["guest.name"] == .string("Eve (guest)"))
        #expect(try await stranger.json("GET", "/api/guest")["sessionId"] == .string(id))
        #expect(try await stranger.call("GET", "/api/sessions/\(id)/chat").status == 200)
        #expect(try await stranger.call("GET", "/api/me").status == 401)
        // A page of somebody else cannot use the guest's cookie.
        #expect(stranger.cookies.keys.contains("copilot-guest"))
        #expect(try await admin.call("GET", "/api/guest").status == 409)
        #expect(try await admin.call("DELETE", "/api/sessions/\(id)/links/\(link)").status == 204)
        #expect(try await admin.call("DELETE", "/api/sessions/\(id)/links/\(link)").status == 404)
        #expect(try await stranger.call("GET", "/api/guest").status == 401)
    }

    private func talk(at id: String, _ admin: Browser) async throws {
        let said = try await admin.call("POST", "/api/sessions/\(id)/chat", #"{"text": "hello"}"#)
        #expect(said.status == 403 && said.code == "no_seat")
        let offered = try await admin.call(
            "POST", "/api/sessions/\(id)/clipboard", #"{"text": "x", "to": "devices", "seatId": ""}"#)
        #expect(offered.status == 403)
    }
}
