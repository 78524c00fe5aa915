import Foundation
import Gateway
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct SignInRoutesTests {
    @Test("the first admin comes in by a link that works once, and the server then needs no setting up")
    func firstAdmin() async throws {
        try await GatewayServer.run { server in
            let browser = server.browser()
            let before = try await browser.json("GET", "/api/server")
            #expect(before["setupRequired"] == .bool(true))
            let token = try #require(try await server.gateway.people.firstAdminToken())
            let info = try await browser.json("POST", "/auth/redeem/check", #"{"token": "\#(token)"}"#)
            #expect(info["kind"] == .string("first-admin") && info["username"] == .null)
            let body = #"{"token": "\#(token)", "username": "ada", "name": "Ada", "password": "\#(Browser.password)"}"#
            let first = try await browser.call("POST", "/auth/redeem", body)
            #expect(first.status == 201)
            let again = try await server.browser().call("POST", "/auth/redeem", body)
            #expect(again.status == 410 && again.code?.hasPrefix("link_") == true)
            let me = try await browser.json("GET", "/api/me")
            #expect(me["user.role"] == .string("admin"))
            let after = try await browser.json("GET", "/api/server")
            #expect(after["setupRequired"] == .bool(false))
        }
    }

    @Test("both cookies are out of reach of scripts and of other pages")
    func cookieFlags() async throws {
        try await GatewayServer.run { server in
            _ = try await server.admin()
            let response = try await server.browser().signIn("ada")
            #expect(response.cookies.count == 2)
            for field in response.cookies {
                #expect(
                    field.contains("; HttpOnly;") && field.hasSuffix("; SameSite=Strict") && field.contains("; Path=/;")
                )
                #expect(!field.contains("Domain"))
            }
        }
    }

    @Test("a wrong password and an unknown name sound the same")
    func wrongCredentials() async throws {
        try await GatewayServer.run { server in
            _ = try await server.admin()
            let wrong = try await server.browser().signIn("ada", password: "wrong horse battery")
            let unknown = try await server.browser().signIn("nobody", password: "wrong horse battery")
            #expect(wrong.status == 401 && wrong.code == "wrong_credentials" && wrong.cookies.isEmpty)
            #expect(wrong.body == unknown.body)
        }
    }

    @Test("too many wrong passwords have to wait, and are told how long")
    func throttled() async throws {
        try await GatewayServer.run { server in
            _ = try await server.admin()
            var last = RawResponse(head: "")
            for _ in 0..<30 where last.status != 429 {
                last = try await server.browser().signIn("ada", password: "wrong horse battery")
            }
            #expect(last.status == 429 && last.code == "too_many_attempts")
            #expect(Int(last.headers["retry-after"] ?? "") ?? 0 > 0)
        }
    }

    @Test("a refresh gives both cookies anew, and without an access token everything else is refused until then")
    func refresh() async throws {
        try await GatewayServer.run { server in
            let browser = try await server.admin()
            let before = browser.cookies
            browser.forget("copilot-access")
            let without = try await browser.call("GET", "/api/me")
            #expect(without.status == 401)
            let refreshed = try await browser.call("POST", "/auth/refresh")
            #expect(refreshed.status == 204 && refreshed.cookies.count == 2)
            #expect(browser.cookies["copilot-refresh"] != before["copilot-refresh"])
            let me = try await browser.call("GET", "/api/me")
            #expect(me.status == 200)
        }
    }

    @Test("a refresh without a cookie, or with a made-up one, is refused")
    func refreshWithoutSignIn() async throws {
        try await GatewayServer.run { server in
            let none = try await server.browser().call("POST", "/auth/refresh")
            #expect(none.status == 401)
            let browser = server.browser()
            browser.restore(["copilot-refresh": "made-up"])
            let madeUp = try await browser.call("POST", "/auth/refresh")
            #expect(madeUp.status == 401 && madeUp.code == "session_expired")
        }
    }

    @Test("two tabs that refresh with the same token get the same successor")
    func twoTabs() async throws {
        try await GatewayServer.run { server in
            let browser = try await server.admin()
            let old = browser.cookies
            _ = try await browser.call("POST", "/auth/refresh")
            let new = browser.cookies
            browser.restore(old)
            let otherTab = try await browser.call("POST", "/auth/refresh")
            #expect(otherTab.status == 204)
            #expect(browser.cookies["copilot-refresh"] == new["copilot-refresh"])
        }
    }

    @Test("a sign-out takes the cookies and makes the old tokens worthless at once")
    func signOut() async throws {
        try await GatewayServer.run { server in
            let browser = try await server.admin()
            let old = browser.cookies
            let response = try await browser.call("POST", "/auth/sign-out")
            #expect(response.status == 204 && browser.cookies.isEmpty)
            browser.restore(old)
            let me = try await browser.call("GET", "/api/me")
            let refresh = try await browser.call("POST", "/auth/refresh")
            #expect(me.status == 401 && refresh.status == 401)
        }
    }

    @Test("a sign-out everywhere reaches the other browser")
    func signOutEverywhere() async throws {
        try await GatewayServer.run { server in
            let here = try await server.admin()
            let there = server.browser()
            _ = try await there.signIn("ada")
            let response = try await here.call("POST", "/auth/sign-out-everywhere")
            #expect(response.status == 204)
            let me = try await there.call("GET", "/api/me")
            #expect(me.status == 401)
        }
    }

    @Test("the access token works as a bearer token, without an origin")
    func bearer() async throws {
        try await GatewayServer.run { server in
            let browser = try await server.admin()
            let token = browser.cookies["copilot-access"] ?? ""
            let response = try await server.server.request(
                "POST", "/api/me/password", headers: ["Authorization: Bearer \(token)"],
                body: #"{"current": "wrong horse battery", "new": "another horse battery"}"#)
            #expect(response.status != 403 && response.code != "not_signed_in")
        }
    }

    @Test("a sign-in from a foreign page is refused, even without cookies")
    func foreignSignIn() async throws {
        try await GatewayServer.run { server in
            let response = try await server.server.request(
                "POST", "/auth/sign-in", headers: ["Origin: https://evil.example"],
                body: #"{"username": "ada", "password": "x"}"#)
            #expect(response.status == 403 && response.code == "foreign_origin")
        }
    }
}
