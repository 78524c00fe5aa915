import ArgumentParser
import Audit
import Gateway
import SSHTools

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check the audit log.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Check that the audit log is whole: no entry altered, none missing, no end cut, nothing rewritten.",
            discussion: """
                Follows the hash chain from the first entry to the last and compares it with the signed checkpoints \
                (--checkpoints names a copy that was kept elsewhere, which is the best witness). Exit status 1 says \
                that something was found.

                EXAMPLE
                  copilot audit verify --checkpoints /mnt/elsewhere/checkpoints
                """)

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await Failure.reported {
                let gateway = try await OpenGateway(keeping.settings()).gateway
                let found = try await gateway.verifyAudit()
                if json { try JSONOutput.print(Result(found)) } else { show(found) }
                if !found.isWhole { throw ExitCode(Failure.Status.foundWrong.rawValue) }
            }
        }

        private func show(_ found: AuditVerification) {
            if let problem = found.problem {
                PersonTerminal.print(problem.sentence)
                PersonTerminal.print(
                    "Keep the database and the checkpoints as they are, and find out who could write to them.")
            } else {
                PersonTerminal.print(
                    "The audit log is whole: \(found.entries) entries, \(found.checkpoints) checkpoints compared.")
            }
        }

        /// As `GET /api/audit/verify` answers.
        private struct Result: Encodable {
            struct Problem: Encodable {
                let seq: Int64
                let kind: String
                let sentence: String
            }

            let ok: Bool
            let entries: Int64
            let checkpoints: Int
            let problem: Problem?

            init(_ found: AuditVerification) {
                ok = found.isWhole
                entries = found.entries
                checkpoints = found.checkpoints
                problem = found.problem.map {
                    Problem(seq: $0.sequence, kind: $0.kind.rawValue, sentence: $0.sentence)
                }
            }
        }
    }
}
