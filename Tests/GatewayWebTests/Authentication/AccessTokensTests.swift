import Foundation
import Testing

@testable import GatewayWeb

struct AccessTokensTests {
    private func encoded(_ json: String) -> String {
        Data(json.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }

    @Test("a token names who signed in and in which sign-in, and no role")
    func claims() async throws {
        let tokens = try await AccessTokens()
        let token = try await tokens.sign(userID: "usr_1", signInID: "sgn_1")
        let identity = await tokens.verify(token)
        #expect(identity?.userID == "usr_1" && identity?.signInID == "sgn_1")
        #expect(!token.contains(encoded("role")))
    }

    @Test("an expired token, one of another server, and an altered one are none")
    func refused() async throws {
        let tokens = try await AccessTokens()
        let other = try await AccessTokens()
        let old = try await tokens.sign(userID: "usr_1", signInID: "sgn_1", now: Date().addingTimeInterval(-601))
        let foreign = try await other.sign(userID: "usr_1", signInID: "sgn_1")
        let good = try await tokens.sign(userID: "usr_1", signInID: "sgn_1")
        let parts = good.split(separator: ".").map(String.init)
        let altered = [parts[0], encoded(#"{"iss":"copilot","sub":"usr_2"}"#), parts[2]].joined(separator: ".")
        for token in [old, foreign, altered, good + "x", "", "a.b.c", String(repeating: "a", count: 5000)] {
            let identity = await tokens.verify(token)
            #expect(identity == nil)
        }
    }

    @Test("a token that chooses its own algorithm is none", arguments: ["none", "HS256", "ES256"])
    func otherAlgorithm(algorithm: String) async throws {
        let tokens = try await AccessTokens()
        let parts = try await tokens.sign(userID: "usr_1", signInID: "sgn_1").split(separator: ".").map(String.init)
        let header = encoded(#"{"alg":"\#(algorithm)","typ":"JWT"}"#)
        let unsigned = await tokens.verify("\(header).\(parts[1]).")
        let signed = await tokens.verify("\(header).\(parts[1]).\(parts[2])")
        #expect(unsigned == nil && signed == nil)
    }
}
