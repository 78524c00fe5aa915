import Foundation
import TestSupport

/// ssh-audit, in the Python environment of ./test or one of its own under the build folder.
enum AuditProgram {
    static let python = Task<String, any Error> {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let ready = package + "/.build/test-venv/bin/python"
        if (try? await ChildProcess.tool(ready, ["-c", "import ssh_audit"])) != nil { return ready }
        let pins = try String(contentsOfFile: package + "/Tests/EndToEnd/requirements.txt", encoding: .utf8)
        guard let pin = pins.split(separator: "\n").first(where: { $0.hasPrefix("ssh-audit==") }) else {
            throw ToolFailure(description: "The version of ssh-audit is not written down.")
        }
        let own = package + "/.build/audit-python"
        if (try? await ChildProcess.tool(own + "/bin/python", ["-c", "import ssh_audit"])) == nil {
            try await ChildProcess.tool("/usr/bin/python3", ["-m", "venv", own])
            try await ChildProcess.tool(own + "/bin/python", ["-m", "pip", "--quiet", "install", String(pin)])
        }
        return own + "/bin/python"
    }

    static var isPossible: Bool { get async { (try? await python.value) != nil } }
}

/// What ssh-audit says about one side's offer.
struct AuditReport: Decodable, Sendable {
    struct Entry: Decodable, Sendable {
        var algorithm: String
        /// Sentences by level: "fail", "warn", "info".
        var notes: [String: [String]]
    }

    var kex: [Entry]
    var key: [Entry]
    var enc: [Entry]
    var mac: [Entry]
    /// What it says about the whole, such as that connections come in too fast.
    var notes: [String]

    private enum CodingKeys: String, CodingKey {
        case kex, key, enc, mac
        case notes = "additional_notes"
    }

    /// Everything that is not mere information.
    var findings: Set<AuditFinding> {
        var findings: Set<AuditFinding> = []
        for entry in kex + key + enc + mac {
            for (level, sentences) in entry.notes where level != "info" {
                for sentence in sentences {
                    findings.insert(AuditFinding(level: level, algorithm: entry.algorithm, says: sentence))
                }
            }
        }
        return findings
    }

    func offers(_ name: String) -> Bool { kex.contains { $0.algorithm == name } }
}

struct AuditFinding: Hashable, Sendable, CustomStringConvertible {
    var level: String
    var algorithm: String
    var says: String

    var description: String { "\(level) \(algorithm): \(says)" }
}
