import Foundation
import NIOCore
import SFTP

/// A file's contents as an agent gets them.
public struct AgentFile: Sendable {
    /// With secrets taken out.
    public let bytes: [UInt8]
    /// Bytes of the file that these stand for.
    public let sourceBytes: Int
    public let redactions: Int
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
    /// - Parameters:
    ///   - first: of a whole file, only so many bytes are answered.
    ///   - asText: a part ends between characters.
    public func readFile(
        _ id: String, _ path: String, offset: Int = 0, length: Int? = nil, first: Int? = nil, asText: Bool = false,
        _ agent: Agent
    ) async throws(GatewayError) -> AgentFile {
        let session = try await active(id, agent)
        let access = fileAccess(session, mayWrite: false)
        let place = try await admit(path, .read, session, access)
        let isPart = offset > 0 || length != nil
        let count = min(max((isPart ? length : first) ?? Self.fileLimit, 1), Self.fileLimit)
        // What stands around a part says what its borders cut.
        let begin = max(0, offset - Self.redactionReach)
        let last = UInt64(offset) + UInt64(count + Self.redactionReach) - 1
        let found = try await files.readAll(
            place, range: isPart ? .between(UInt64(begin), last) : .whole,
            limit: Self.fileLimit + (isPart ? 2 * Self.redactionReach : 0), in: access)
        let around = Array(found.contents.readableBytesView)
        let from = min(isPart ? offset - begin : 0, around.count)
        var part = around[from..<min(from + count, around.count)]
        if asText, from + part.count < around.count { part = part.prefix(CompleteText.prefix(part).count) }
        let shown = redact(around, shown: part.startIndex..<part.endIndex, session)
        return AgentFile(
            bytes: shown.bytes, sourceBytes: part.count, redactions: shown.count,
            sha256: isPart ? nil : found.receipt.sha256, size: found.entry.size, mode: found.entry.mode)
    }

    /// A file that was read with its secrets taken out must not be written back like that.
    private static func checkNoPlaceholder(_ contents: [UInt8]) throws(GatewayError) {
        guard contents.count >= 12, let text = String(validating: contents, as: UTF8.self),
            text.contains(/\[redacted:[a-z-]+#[0-9]+\]/)
        else { return }
        throw GatewayError(
            "redacted_content", status: 422,
            "The contents hold a mark that stands for a secret: written, it would take the secret's place.",
            hint: "Change only the other parts, with “edits”.", field: "content")
    }

    /// Writes a whole file in one step: nobody reads half of it.
    public func writeFile(_ id: String, _ path: String, _ write: AgentFileWrite, _ agent: Agent)
        async throws(GatewayError) -> AgentFileWritten
    {
        try Self.checkNoPlaceholder(write.contents)
        return try await put(id, path, write, agent)
    }

    private func put(_ id: String, _ path: String, _ write: AgentFileWrite, _ agent: Agent)
        async throws(GatewayError) -> AgentFileWritten
    {
        let session = try await active(id, agent)
        try await requireControl(session, forCommand: true)
        let access = fileAccess(session, mayWrite: true)
        let place = try await admit(path, .write, session, access, contents: write.contents)
        var options = FileWrite(mode: write.mode)
        if let sum = write.ifMatch { options.precondition = .version("sha256-" + sum.lowercased()) }
        let written = try await files.write(ByteBuffer(bytes: write.contents), to: place, options, in: access)
        guard case .complete(let entry, let receipt) = written else {
            throw GatewayError(
                "incomplete", status: 502, "The file was not written as a whole.", hint: "Write it again.")
        }
        return AgentFileWritten(
            success: true, sha256: receipt.sha256, bytes: write.contents.count, path: words(entry.path, session))
    }

    /// Changes places of a text file.
    public func editFile(_ id: String, _ path: String, edits: [AgentFileEdit], ifMatch: String?, _ agent: Agent)
        async throws(GatewayError) -> AgentFileWritten
    {
        for edit in edits { try Self.checkNoPlaceholder(Array(edit.replace.utf8)) }
        let session = try await active(id, agent)
        let access = fileAccess(session, mayWrite: false)
        let found = try await files.readAll(
            try await admit(path, .read, session, access), limit: Self.fileLimit, in: access)
        let (bytes, sum) = (Array(found.contents.readableBytesView), found.receipt.sha256)
        if let ifMatch, ifMatch.lowercased() != sum {
            throw GatewayError(
                "file_changed", status: 412, "The file is not the one that you read.", hint: "Read it again.")
        }
        guard var text = String(validating: bytes, as: UTF8.self) else {
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
        return try await put(id, path, AgentFileWrite(contents: Array(text.utf8), ifMatch: sum), agent)
    }

    /// The names in a folder.
    public func listDirectory(_ id: String, _ path: String, _ agent: Agent) async throws(GatewayError) -> AgentFolder {
        let session = try await active(id, agent)
        let access = fileAccess(session, mayWrite: false)
        let place = try await admit(path, .list, session, access)
        return AgentFolder(
            try await files.list(place, in: access), words: { words($0, session) }, redact: { redact($0, session) })
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
    private func admit(
        _ path: String, _ use: Use, _ session: AgentSession, _ access: FileAccess, contents: [UInt8] = []
    ) async throws(GatewayError) -> RemotePath {
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
        let deed = AgentDeed(command, input: contents)
        switch decide(deed, classes, session, usingPlan: true) {
        case .run: return place
        case .refuse(let rule, let sentence, let hint): throw .policyDenied(rule, sentence, hint)
        case .ask(let why):
            try await ask(
                use.changes ? .fileWrite : .fileRead, use == .remove ? "remove \(text)" : text, deed,
                classes: classes.sorted, why: why, session)
        }
        return place
    }
}
