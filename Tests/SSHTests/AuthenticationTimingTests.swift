import Foundation
import NIOConcurrencyHelpers
import SSH
import SSHTestSupport
import Testing

/// How long a refusal takes must not tell whether a user exists. Alone on the machine, so not within the other tests:
/// `./test --only timing`.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["COPILOT_TIMING_TESTS"] != nil, "runs within ./test --full"))
struct AuthenticationTimingTests {
    private static let tries = 200
    /// Refusals on one connection, the first of which is not measured.
    private static let perConnection = 21

    @Test("wrong passwords of a known and of an unknown user are refused in the same time, medians of 200 within 5 %")
    func passwords() async throws {
        let credentials = (0..<Self.perConnection).map { SSHCredential.password(Array("wrong \($0)".utf8)) }
        try await compare(credentials)
    }

    @Test("foreign keys of a known and of an unknown user are refused in the same time, medians of 200 within 5 %")
    func keys() async throws {
        let credentials = (0..<Self.perConnection).map { _ in SSHCredential.privateKey(.generateEd25519()) }
        try await compare(credentials)
    }

    /// Noise of the machine may part two medians once; a difference of the server's parts them every time.
    private func compare(_ credentials: [SSHCredential]) async throws {
        var ratios: [Double] = []
        for _ in 0..<5 {
            let ratio = try await measure(credentials)
            ratios.append(ratio)
            if abs(ratio - 1) <= 0.05 { break }
        }
        #expect(abs((ratios.last ?? 0) - 1) <= 0.05, "known to unknown: \(ratios)")
    }

    private func measure(_ credentials: [SSHCredential]) async throws -> Double {
        let asked = NIOLockedValueBox<[ContinuousClock.Instant]>([])
        let account = try await TestKeys.user().publicKey
        let server = try await OurServer { configuration, handlers in
            configuration.core.maximumAuthenticationFailures = 1000
            configuration.core.maximumAuthenticationRequests = 1000
            handlers.authorize = { request, _ in
                if request.username == "known", case .publicKey(let identity, _, _) = request.method,
                    identity.publicKey == account
                {
                    return .accept
                }
                if request.method.isAttempt { asked.withLockedValue { $0.append(.now) } }
                return .refuse
            }
        }
        var times: [String: [Duration]] = ["known": [], "unknown": []]
        // By turns, so that what else happens on the machine falls on both.
        for turn in 0..<(2 * Self.tries / (Self.perConnection - 1)) {
            let name = turn.isMultiple(of: 2) ? "known" : "unknown"
            asked.withLockedValue { $0 = [] }
            let connection = try? await server.connect { configuration in
                configuration.username = name
                configuration.credentials = credentials
            }
            #expect(connection == nil)
            let instants = asked.withLockedValue { $0 }
            // From one question to the next: the refusal, its way to the client, and the next attempt's way back.
            times[name, default: []] += zip(instants, instants.dropFirst()).map { $0.duration(to: $1) }
        }
        #expect(times.values.allSatisfy { $0.count == Self.tries })
        func median(_ name: String) -> Double {
            let sorted = (times[name] ?? []).sorted()
            return sorted.isEmpty ? .nan : sorted[sorted.count / 2] / .microseconds(1)
        }
        print("refusals of a known user \(median("known")) µs, of an unknown one \(median("unknown")) µs")
        return median("known") / median("unknown")
    }
}

extension AuthorizationRequest.Method {
    fileprivate var isAttempt: Bool {
        if case .none = self { return false }
        return true
    }
}
