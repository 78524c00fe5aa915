import Foundation
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Our offers before ssh-audit's eyes, in both roles.
@Suite(.serialized, .enabled("needs ssh-audit from the Python package index") { await AuditProgram.isPossible })
struct AuditTests {
    @Test("ssh-audit has nothing against a server with the profile strict")
    func strictServer() async throws {
        let report = try await auditServer(.strict)
        #expect(report.findings == [])
        #expect(report.offers("kex-strict-s-v00@openssh.com"))
        #expect(report.key.map(\.algorithm) == ["ssh-ed25519"])
    }

    @Test("ssh-audit has against a server with the profile standard what is written down with its reason, and no more")
    func standardServer() async throws {
        let report = try await auditServer(.standard)
        #expect(report.findings == AcceptedFindings.findings(AcceptedFindings.server))
        // It opens connections as fast as it can: the limits at the door must be felt (CVE-2002-20001, "DHEat").
        #expect(!report.notes.contains { $0.contains("throttling") })
        #expect(report.offers("kex-strict-s-v00@openssh.com"))
    }

    @Test("ssh-audit has nothing against a client with the profile strict")
    func strictClient() async throws {
        let report = try await auditClient(.strict)
        #expect(report.findings == [])
        #expect(report.offers("kex-strict-c-v00@openssh.com"))
    }

    @Test("ssh-audit has against a client with the profile standard what is written down with its reason, and no more")
    func standardClient() async throws {
        let report = try await auditClient(.standard)
        #expect(report.findings == AcceptedFindings.findings(AcceptedFindings.client))
        #expect(report.offers("kex-strict-c-v00@openssh.com"))
    }

    @Test("every accepted finding names who would be shut out")
    func reasons() {
        let lines = AcceptedFindings.server + AcceptedFindings.client
        #expect(lines.allSatisfy { $0.because.count > 40 && !$0.algorithms.isEmpty })
    }

    /// A server with the limits that a server has by default: the audit opens connections quickly to see whether it may.
    private func auditServer(_ algorithms: AlgorithmPreferences) async throws -> AuditReport {
        let server = try await OurServer { configuration, _ in
            configuration.core.algorithms = algorithms
            configuration.startups = StartupLimits()
            configuration.penalties = SourcePenalties()
        }
        let program = try ClientProgram()
        let result = try await program.run(
            "\(try await AuditProgram.python.value) -m ssh_audit -j -p \(server.port) 127.0.0.1")
        return try report(result)
    }

    private func auditClient(_ algorithms: AlgorithmPreferences) async throws -> AuditReport {
        let port = try await freePort()
        let program = try ClientProgram()
        async let audited = program.run("\(try await AuditProgram.python.value) -m ssh_audit -c -j -t 30 -p \(port)")
        // It takes one connection, and reads what it is offered.
        let isSeen = try await eventually {
            do throws(SSHError) {
                var configuration = SSHClientConfiguration(username: "nobody", credentials: []) { _ in .accept }
                configuration.algorithms = algorithms
                let connection = try await SSHClient.connect(
                    to: SSHEndpoint(host: "127.0.0.1", port: port), configuration: configuration, on: anyLoop())
                await connection.close()
                return true
            } catch {
                return error.code != .connectionRefused
            }
        }
        #expect(isSeen)
        return try report(try await audited)
    }

    private func report(_ result: ChildProcess.Outcome) throws -> AuditReport {
        guard let start = result.output.firstIndex(of: UInt8(ascii: "{")) else {
            throw ToolFailure(description: "ssh-audit said: \(result.text) \(result.errors)")
        }
        return try JSONDecoder().decode(AuditReport.self, from: Data(result.output[start...]))
    }
}
