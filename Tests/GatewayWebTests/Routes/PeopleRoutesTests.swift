import Foundation
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct PeopleRoutesTests {
    @Test("an invitation is a link with its secret in the fragment, and lets the person in once")
    func invitation() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let added = try await admin.json(
                "POST", "/api/users", #"{"username": "grace", "name": "Grace", "role": "devops"}"#)
            let id = try #require(added["user.id"]?.text)
            let again = try await admin.json("POST", "/api/users/\(id)/invitation")
            let link = try #require(again["invitation.link"]?.text)
            #expect(link != added["invitation.link"]?.text)
            let start = "http://localhost:\(server.server.port)/#/welcome?token="
            #expect(link.hasPrefix(start))
            let guest = server.browser()
            let token = link.dropFirst(start.count)
            let info = try await guest.json("POST", "/auth/redeem/check", #"{"token": "\#(token)"}"#)
            #expect(info["kind"] == .string("invitation") && info["username"] == .string("grace"))
            let redeemed = try await guest.call(
                "POST", "/auth/redeem",
                #"{"token": "\#(token)", "username": "grace", "name": "Grace H.", "password": "\#(Browser.password)"}"#)
            #expect(redeemed.status == 201)
            let me = try await guest.json("GET", "/api/me")
            #expect(me["user.name"] == .string("Grace H.") && me["user.role"] == .string("devops"))
            #expect(me["permissions"]?.items.contains(.string("session.start")) == true)
            #expect(me["permissions"]?.items.contains(.string("user.manage")) == false)
        }
    }

    @Test("who may not manage people sees names and roles, and is told which permission is missing")
    func colleague() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let guest = try await server.person("grace", role: "guest", by: admin)
            let seen = try await guest.json("GET", "/api/users")
            let other = seen["users"]?.items.first { $0["username"] == .string("ada") }
            #expect(other?["name"] == .string("Ada") && other?["createdAt"] == nil)
            let refused = try await guest.call(
                "POST", "/api/users", #"{"username": "eve", "name": "Eve", "role": "admin"}"#)
            #expect(refused.status == 403 && refused.code == "not_permitted")
            #expect(refused.json["missing"] as? String == "user.manage")
        }
    }

    @Test("a disabled person is out at once, and the last admin stays")
    func disabled() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let guest = try await server.person("grace", role: "guest", by: admin)
            let id = try #require(try await guest.json("GET", "/api/me")["user.id"]?.text)
            let changed = try await admin.json("PATCH", "/api/users/\(id)", #"{"disabled": true}"#)
            #expect(changed["user.disabled"] == .bool(true))
            let after = try await guest.call("GET", "/api/me")
            #expect(after.status == 401)
            let adminID = try #require(try await admin.json("GET", "/api/me")["user.id"]?.text)
            let last = try await admin.call("PATCH", "/api/users/\(adminID)", #"{"role": "guest"}"#)
            #expect(last.status == 409 && last.code == "last_admin")
        }
    }

    @Test("a changed password ends the other sign-ins and not this one")
    func password() async throws {
        try await GatewayServer.run { server in
            let here = try await server.admin()
            let there = server.browser()
            _ = try await there.signIn("ada")
            let wrong = try await here.call(
                "POST", "/api/me/password", #"{"current": "wrong horse battery", "new": "another horse battery"}"#)
            #expect(wrong.status >= 400)
            let changed = try await here.call(
                "POST", "/api/me/password", #"{"current": "\#(Browser.password)", "new": "another horse battery"}"#)
            #expect(changed.status == 204)
            let stays = try await here.call("GET", "/api/me")
            let ended = try await there.call("GET", "/api/me")
            #expect(stays.status == 200 && ended.status == 401)
        }
    }

    @Test("a taken name, an unknown role and an unknown person are errors that say so")
    func errors() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let taken = try await admin.call(
                "POST", "/api/users", #"{"username": "ada", "name": "Ada", "role": "guest"}"#)
            #expect(taken.status == 409)
            let role = try await admin.call(
                "POST", "/api/users", #"{"username": "eve", "name": "Eve", "role": "root"}"#)
            #expect(role.status == 422 && role.json["field"] as? String == "role")
            let unknown = try await admin.call("PATCH", "/api/users/usr_nobody", #"{"name": "X"}"#)
            #expect(unknown.status == 404)
        }
    }
}
