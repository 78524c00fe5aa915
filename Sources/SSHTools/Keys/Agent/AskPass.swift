import Foundation
import SSHCrypto

/// The program of SSH_ASKPASS, which asks a person in a window of its own.
public struct AskPass: Sendable {
    private let path: String
    private let environment: [String: String]

    /// Where distributions put theirs.
    private static let usual = "/usr/bin/ssh-askpass"

    /// nil if no program is named, or there is no display that the usual one could use.
    public init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        let requirement = environment["SSH_ASKPASS_REQUIRE"]?.lowercased() ?? ""
        guard requirement != "never" else { return nil }
        if let named = environment["SSH_ASKPASS"], !named.isEmpty {
            path = named
        } else {
            let hasDisplay = environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil
            guard hasDisplay, FileManager.default.isExecutableFile(atPath: Self.usual) else { return nil }
            path = Self.usual
        }
        self.environment = environment
    }

    /// A secret, in answer to a question.
    func secret(_ question: String) throws(Failure) -> [UInt8] {
        var answer = run(question, kind: nil)
        guard answer?.status == 0, let output = answer?.output else {
            throw Failure(
                "\(path) gave no passphrase.", hint: "Check SSH_ASKPASS, or start again at a terminal.")
        }
        defer { answer?.output.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) } }
        return Array(output.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }

    /// Yes or no: OpenSSH takes an empty answer and "yes" for a yes, if the program ended well.
    public func confirms(_ question: String) async -> Bool {
        await withCheckedContinuation { continuation in
            // The program may stand there for minutes: a thread of its own, not one of the pool's.
            Thread.detachNewThread {
                guard let answer = run(question, kind: "confirm"), answer.status == 0 else {
                    return continuation.resume(returning: false)
                }
                let text = String(decoding: answer.output, as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
                continuation.resume(returning: text.isEmpty || text == "yes")
            }
        }
    }

    private func run(_ question: String, kind: String?) -> (status: Int32, output: Data)? {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = [
            question.split(whereSeparator: \.isNewline).map { Printable.line(String($0)) }.joined(separator: "\n")
        ]
        process.environment = kind.map { environment.merging(["SSH_ASKPASS_PROMPT": $0]) { $1 } } ?? environment
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        let output = (try? pipe.fileHandleForReading.read(upToCount: 4096)) ?? Data()
        process.waitUntilExit()
        return (process.terminationReason == .exit ? process.terminationStatus : -1, output)
    }
}
