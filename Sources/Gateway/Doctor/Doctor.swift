import Foundation

/// Examines how a copilot is set up. It changes nothing, may run beside the copilot, and says what to mend.
public struct Doctor: Sendable {
    /// What one check found.
    public struct Finding: Sendable, Hashable, Codable {
        public enum Outcome: String, Sendable, Codable {
            case good
            /// It works, but a bad day would be worse than it needs to be.
            case warning
            /// The copilot does not start, or what it promises does not hold.
            case fault
        }

        /// What was looked at, a stable name: `data_folder`, `root_key`, `database`, ….
        public let check: String
        public let outcome: Outcome
        /// What was found, one sentence.
        public let sentence: String
        /// What to do, when there is something to do.
        public let remedy: String?

        public init(_ check: String, _ outcome: Outcome, _ sentence: String, remedy: String? = nil) {
            self.check = check
            self.outcome = outcome
            self.sentence = sentence
            self.remedy = remedy
        }
    }

    public let configuration: Configuration
    let environment: [String: String]
    let executable: String

    /// - Parameters:
    ///   - environment: where `COPILOT_ROOT_KEY` may stand.
    ///   - executable: the path of the program, beside which the page is looked for.
    public init(_ configuration: Configuration, environment: [String: String], executable: String) {
        self.configuration = configuration
        self.environment = environment
        self.executable = executable
    }

    /// Every check of the machine and the folders, in the order in which a start would meet them.
    public func examine() async -> [Finding] {
        var findings = [
            folder("data_folder", configuration.data, "The data folder"),
            folder("keys_folder", configuration.keys, "The keys folder"),
            rootKey(),
        ]
        findings += await database()
        findings += [checkpoints(), disk(), page()]
        findings.append(await port())
        return findings
    }
}

extension Configuration {
    /// The folder of the page: the one that is set, or one that lies where an installation or a build puts it.
    /// - Parameter executable: the path of the running program.
    public func pageFolder(executable: String) -> String? {
        if let page { return page }
        var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath().deletingLastPathComponent()
        var candidates = [folder.appendingPathComponent("page")]
        candidates.append(folder.deletingLastPathComponent().appendingPathComponent("share/copilot/page"))
        // Built in a checkout, the program lies in .build/PLATFORM/MODE.
        for _ in 0..<3 {
            folder.deleteLastPathComponent()
            candidates.append(folder.appendingPathComponent("Web/dist"))
        }
        return candidates.map(\.path).first { FileManager.default.fileExists(atPath: $0 + "/index.html") }
    }
}
