import Foundation
import NIOCore
import SFTP

/// A file's contents as an agent gets them.
public struct AgentFile: Sendable {
    public let bytes: [UInt8]
    /// Of the whole file in hexadecimal; nil when only a part was read.
    public let sha256: String?
    public let size: UInt64?
    /// Four octal digits.
    public let mode: String?
}

/// What an agent writes.
public struct AgentFileWrite: Sendable {
    public var contents: [UInt8]
    /// Permissions of a new file.
    public var mode: UInt32?
    /// The SHA-256 that the agent read; another file is left as it is.
    public var ifMatch: String?

    public init(contents: [UInt8], mode: UInt32? = nil, ifMatch: String? = nil) {
        self.contents = contents
        self.mode = mode
        self.ifMatch = ifMatch
    }
}

/// A place in a file that an agent changes: `find` has to be there exactly once.
public struct AgentFileEdit: Sendable, Decodable {
    public var find: String
    public var replace: String

    public init(find: String, replace: String) {
        self.find = find
        self.replace = replace
    }
}

/// What came of a write.
public struct AgentFileWritten: Sendable, Encodable {
    public let success: Bool
    public let sha256: String
    public let bytes: Int
    public let path: String
}

/// Files: an agent reads and writes them as a command would that does the same, and is judged like that.
extension AgentService {
    /// Bytes of a file at most, in one call.
    public static let fileLimit = 16 << 20

    /// Reads a file, or a part of it.
    public func readFile(
        _ id: String, _ path: String, offset: Int = 0, length: Int? = nil, _ agent: Agent
    ) async throws(GatewayError) -> AgentFile {
        let session = try await active(id, agent)
        let access = fileAccess(session, mayWrite: false)
        let place = try await admit(path, .read, session, access)
        guard offset > 0 || length != nil else {
            let found = try await files.readAll(place, limit: Self.fileLimit, in: access)
            return AgentFile(
                bytes: Array(found.contents.readableBytesView), sha256: found.receipt.sha256, size: found.entry.size,
                mode: found.entry.mode)
        }
        let count = min(max(length ?? Self.fileLimit, 1), Self.fileLimit)
        let from = UInt64(max(0, offset))
        let found = try await files.readAll(
            place, range: .between(from, from + UInt64(count) - 1), limit: Self.fileLimit, in: access)
        return AgentFile(
            bytes: Array(found.contents.readableBytesView), sha256: nil, size: found.entry.size, mode: found.entry.mode)
    }

    /// Writes a whole file in one step: nobody reads half of it.
    public func writeFile(_ id: String, _ path: String, _ write: AgentFileWrite, _ agent: Agent)
        async throws(GatewayError) -> AgentFileWritten
    {
        let session = try await active(id, agent)
        try await requireControl(session, forCommand: true)
        let access = fileAccess(session, mayWrite: true)
        let place = try await admit(path, .write, session, access)
        var options = FileWrite(mode: write.mode)
        if let sum = write.ifMatch { options.precondition = .version("sha256-" + sum.lowercased()) }
        let written = try await files.write(ByteBuffer(bytes: write.contents), to: place, options, in: access)
        guard case .complete(let entry, let receipt) = written else {
            throw GatewayError(
                "incomplete", status: 502, "The file was not written as a whole.", hint: "Write it again.")
        }
        return AgentFileWritten(success: true, sha256: receipt.sha256, bytes: write.contents.count, path: entry.path)
    }

    /// Changes places of a text file.
    public func editFile(_ id: String, _ path: String, edits: [AgentFileEdit], ifMatch: String?, _ agent: Agent)
        async throws(GatewayError) -> AgentFileWritten
    {
        let file = try await readFile(id, path, agent)
        if let ifMatch, ifMatch.lowercased() != file.sha256 {
            throw GatewayError(
                "file_changed", status: 412, "The file is not the one that you read.", hint: "Read it again.")
        }
        var text = String(decoding: file.bytes, as: UTF8.self)
        guard Array(text.utf8) == file.bytes else {
            throw .invalid("edits", "This file is no UTF-8 text.", hint: "Write it as a whole.")
        }
        for (number, edit) in edits.enumerated() {
            let found = edit.find.isEmpty ? 0 : text.components(separatedBy: edit.find).count - 1
            guard found == 1 else {
                throw .invalid(
                    "edits", "The text of edit \(number) stands \(found) times in the file, not once.",
                    hint: "Give more of its surroundings.")
            }
            text = text.replacingOccurrences(of: edit.find, with: edit.replace)
        }
        return try await writeFile(
            id, path, AgentFileWrite(contents: Array(text.utf8), ifMatch: file.sha256), agent)
    }

    /// The names in a folder.
    public func listDirectory(_ id: String, _ path: String, _ agent: Agent) async throws(GatewayError) -> FileListing {
        let session = try await active(id, agent)
        let access = fileAccess(session, mayWrite: false)
        let place = try await admit(path, .list, session, access)
        return try await files.list(place, in: access)
    }

    /// Removes a file.
    public func removeFile(_ id: String, _ path: String, _ agent: Agent) async throws(GatewayError) {
        let session = try await active(id, agent)
        try await requireControl(session, forCommand: true)
        let access = fileAccess(session, mayWrite: true)
        let place = try await admit(path, .remove, session, access)
        _ = try await files.remove(place, in: access)
    }

    // MARK: Who may

    private enum Use: String {
        case read, write, list, remove

        var changes: Bool { self == .write || self == .remove }

        /// The command that does the same.
        func command(_ path: String) -> String {
            let word = ShellQuoting.wordWhereNeeded(path)
            return switch self {
            case .read: "cat -- \(word)"
            case .write: "tee -- \(word)"
            case .list: "ls -la -- \(word)"
            case .remove: "rm -- \(word)"
            }
        }
    }

    private func fileAccess(_ session: AgentSession, mayWrite: Bool) -> FileAccess {
        let agent = session.agent
        return FileAccess(
            session: session.live, caller: agent.caller(actingFor: session.approver), mayWrite: mayWrite
        ) { _ throws(GatewayError) in
            let session = try await active(session.id, agent)
            if mayWrite { try await requireControl(session, forCommand: true) }
        }
    }

    /// Where a path really leads, when the agent may go there.
    private func admit(_ path: String, _ use: Use, _ session: AgentSession, _ access: FileAccess)
        async throws(GatewayError) -> RemotePath
    {
        guard !path.isEmpty, !path.utf8.contains(0), path.utf8.count <= 4096 else {
            throw GatewayError(
                "missing_path", status: 400, "Missing path.", hint: "Name the file with ?path=.", field: "path")
        }
        // Links and dots are followed before anything is decided: what counts is where the path leads.
        let place = try await files.hosts.with(session.live) { client in
            let wanted = RemotePath(path)
            // A link itself is removed, and a new file is where its folder leads.
            if use == .remove { return try await FileService.located(wanted, client) }
            if use == .write, (try? await client.attributes(of: wanted)) == nil {
                return try await FileService.located(wanted, client)
            }
            return try await client.canonicalPath(of: wanted)
        }
        let text = place.text
        let patterns = use.changes ? session.grant.files.write : session.grant.files.read
        if patterns.contains(where: { TextPattern($0).matches(text) }) { return place }
        let command = use.command(text)
        let classes = CommandClasses.of(command, at: .channel)
        switch decide(command, classes, session, usingPlan: true) {
        case .run: return place
        case .refuse(let rule, let sentence, let hint): throw .policyDenied(rule, sentence, hint)
        case .ask(let why):
            try await ask(
                use.changes ? .fileWrite : .fileRead, text, classes: classes.sorted, why: why, session)
        }
        return place
    }
}
