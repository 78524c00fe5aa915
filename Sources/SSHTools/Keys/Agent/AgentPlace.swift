import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where an agent listens: a socket in a folder of its own, or at a path that was named.
public struct AgentPlace: Sendable {
    public let socket: String
    /// What `remove()` takes away with the socket.
    private let folder: String?

    /// - Parameter path: nil makes a folder with mode 0700 below XDG_RUNTIME_DIR, TMPDIR or /tmp, in this order.
    public init(
        path: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(Failure) {
        if let path {
            socket = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
            folder = nil
            return
        }
        let candidates = [environment["XDG_RUNTIME_DIR"], environment["TMPDIR"], "/tmp"].compactMap { $0 }
        for candidate in candidates where candidate.hasPrefix("/") {
            // Room for our own name within the 107 bytes that a socket's path may have.
            guard candidate.utf8.count <= 60 else { continue }
            var template = Array((candidate + "/copilot-agent-XXXXXX").utf8CString)
            guard mkdtemp(&template) != nil else { continue }
            let made = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            folder = made
            socket = made + "/agent.sock"
            return
        }
        throw Failure(
            "No folder for the agent's socket could be made.", hint: "Name a place for it: copilot agent -a PATH.")
    }

    /// Takes the folder away that was made; the listener removes its socket itself.
    public func remove() {
        guard let folder else { return }
        unlink(socket)
        rmdir(folder)
    }
}

/// The lines that tell a shell of an agent.
public enum AgentShellLines: Sendable {
    case bourne
    /// csh and tcsh
    case csh

    /// The one that goes with the shell of the person, by the name that SHELL has.
    public init(shell: String?) {
        self = shell?.hasSuffix("csh") == true ? .csh : .bourne
    }

    public func started(socket: String, process: Int32) -> [String] {
        switch self {
        case .bourne:
            [
                "SSH_AUTH_SOCK=\(quoted(socket)); export SSH_AUTH_SOCK;",
                "SSH_AGENT_PID=\(process); export SSH_AGENT_PID;",
                "echo Agent pid \(process);",
            ]
        case .csh:
            [
                "setenv SSH_AUTH_SOCK \(quoted(socket));", "setenv SSH_AGENT_PID \(process);",
                "echo Agent pid \(process);",
            ]
        }
    }

    public func ended(process: Int32) -> [String] {
        switch self {
        case .bourne: ["unset SSH_AUTH_SOCK;", "unset SSH_AGENT_PID;", "echo Agent pid \(process) killed;"]
        case .csh: ["unsetenv SSH_AUTH_SOCK;", "unsetenv SSH_AGENT_PID;", "echo Agent pid \(process) killed;"]
        }
    }

    /// Both shells evaluate these lines: what is not harmless stands in quotes.
    private func quoted(_ text: String) -> String {
        let harmless = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x2D...0x3A, 0x41...0x5A, 0x5F, 0x61...0x7A: true
            default: false
            }
        }
        return harmless ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
