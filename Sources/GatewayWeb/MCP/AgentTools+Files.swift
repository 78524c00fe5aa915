import Foundation
import Gateway
import MCP

/// Files of the host, over SFTP.
extension AgentTools {
    /// Bytes of a file that an answer carries at most.
    private static let longestPart = 1 << 20
    private static let usualPart = 64 << 10

    var readFile: AgentTool {
        Tool(
            "ssh_read_file", title: "Read a file",
            "Reads a file over SFTP; large ones in parts, by offset and length. Give sha256 as ifMatch when you write it back.",
            input: .object(
                [
                    "sessionId": Self.sessionID, "path": .string("Absolute path."),
                    "offset": .integer("The first byte.", from: 0),
                    "length": .integer("Bytes; 65536 without it.", from: 1, to: Int64(Self.longestPart)),
                    "encoding": .string("", choices: ["utf-8", "base64"]),
                ], required: ["sessionId", "path"]),
            output: .object(
                [
                    "path": .string(), "content": .string("Missing for what is no text."), "contentBase64": .string(),
                    "size": .integer("Bytes of the whole file."),
                    "nextOffset": .integer("Where the rest begins, when there is more."),
                    "sha256": .string().orNull, "mode": .string().orNull,
                    "redactions": .integer("Secrets that were taken out. Change such a file with edits only."),
                ], required: ["path", "size"]), hints: .reads
        ) { [agents] arguments, context in
            let (id, path) = (try arguments.required("sessionId"), try arguments.required("path"))
            let offset = try arguments.integer("offset", in: 0...Int(Int32.max) << 20)
            let length = try arguments.integer("length", in: 1...Self.longestPart)
            let isBase64 = try arguments.choice("encoding", ["utf-8", "base64"]) == "base64"
            return try await Self.answer(context, text: \FilePart.text) { () throws(GatewayError) in
                // Without a part the whole is read, so that its hash is known, and its beginning is answered.
                let isWhole = offset == nil && length == nil
                let file = try await agents.readFile(
                    id, path, offset: offset ?? 0, length: isWhole ? nil : length ?? Self.usualPart,
                    first: Self.usualPart, asText: !isBase64, context.principal)
                return FilePart(file, path: path, offset: offset ?? 0, isBase64: isBase64)
            }
        }
    }

    var writeFile: AgentTool {
        let edit = Schema.object(
            ["find": .string("Text that is there exactly once."), "replace": .string()], required: ["find", "replace"])
        return Tool(
            "ssh_write_file", title: "Write a file",
            "Writes a whole file (content) or changes parts of one (edits), all or nothing. With ifMatch, refuses when it changed since you read it.",
            input: .object(
                [
                    "sessionId": Self.sessionID, "path": .string("Absolute path."),
                    "content": .string("The whole file."),
                    "contentBase64": .string("Or that as base64."),
                    "edits": .list(edit, "Or changes to the file that is there."),
                    "ifMatch": .string("The sha256 that you read."), "mode": .string("Of a new file, such as 0644."),
                ], required: ["sessionId", "path"]),
            output: .object(
                ["success": .bool(), "sha256": .string(), "bytes": .integer()],
                required: ["success", "sha256", "bytes"]),
            hints: .destroys
        ) { [agents] arguments, context in
            let (id, path) = (try arguments.required("sessionId"), try arguments.required("path"))
            let match = try arguments.string("ifMatch")
            if let edits = try Self.edits(arguments) {
                return try await Self.answer(context, text: Self.written) { () throws(GatewayError) in
                    try await agents.editFile(id, path, edits: edits, ifMatch: match, context.principal)
                }
            }
            let file = AgentFileWrite(
                contents: try Self.contents(arguments), mode: try Self.mode(arguments), ifMatch: match)
            return try await Self.answer(context, text: Self.written) { () throws(GatewayError) in
                try await agents.writeFile(id, path, file, context.principal)
            }
        }
    }

    private static func edits(_ arguments: Arguments) throws -> [AgentFileEdit]? {
        try arguments.objects("edits")?.map(Arguments.init).map {
            AgentFileEdit(find: try $0.required("find"), replace: try $0.string("replace") ?? "")
        }
    }

    private static func contents(_ arguments: Arguments) throws -> [UInt8] {
        if let text = try arguments.string("content") { return Array(text.utf8) }
        guard let data = try arguments.string("contentBase64").flatMap({ Data(base64Encoded: $0) }) else {
            throw ToolFailure(
                "missing", "There is no content.", hint: "Give content, contentBase64 or edits.",
                details: ["field": "content"])
        }
        return Array(data)
    }

    private static func mode(_ arguments: Arguments) throws -> UInt32? {
        guard let text = try arguments.string("mode") else { return nil }
        guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else {
            throw ToolFailure(
                "invalid", "“mode” must be octal digits.", hint: "Such as 0644.", details: ["field": "mode"])
        }
        return mode
    }

    private static func written(_ file: AgentFileWritten) -> String {
        "Written: \(file.bytes) bytes, sha256 \(file.sha256)."
    }

    var listDirectory: AgentTool {
        let entry = Schema.object(
            [
                "name": .string(), "path": .string(), "kind": .string("file, folder, link or other"),
                "size": .integer().orNull,
                "modified": .string().orNull, "mode": .string().orNull,
            ], required: ["name", "kind"])
        return Tool(
            "ssh_list_dir", title: "List a folder", "Lists a folder over SFTP.",
            input: .object(
                ["sessionId": Self.sessionID, "path": .string("Absolute path.")], required: ["sessionId", "path"]),
            output: .object(
                ["path": .string(), "entries": .list(entry), "total": .integer(), "truncated": .bool()],
                required: ["path", "entries"]), hints: .reads
        ) { [agents] arguments, context in
            let (id, path) = (try arguments.required("sessionId"), try arguments.required("path"))
            return try await Self.answer(context) { (folder: AgentFolder) in
                let names = folder.entries.map { $0.kind == .folder ? $0.name + "/" : $0.name }
                let more = folder.truncated ? ", of which not all were read" : ""
                return "\(folder.total) names\(more)." + AgentTexts.fenced(names.joined(separator: "\n"), "names")
            } _: { () throws(GatewayError) in
                try await agents.listDirectory(id, path, context.principal)
            }
        }
    }
}

/// A part of a file as a model gets it.
private struct FilePart: Encodable, Sendable {
    let path: String
    let content: String?
    let contentBase64: String?
    let size: Int
    let nextOffset: Int?
    let sha256: String?
    let mode: String?

    let redactions: Int

    init(_ file: AgentFile, path: String, offset: Int, isBase64: Bool) {
        self.path = path
        let text = isBase64 ? nil : String(validating: file.bytes, as: UTF8.self)
        content = text
        contentBase64 = text == nil ? Data(file.bytes).base64EncodedString() : nil
        size = file.size.map { Int(clamping: $0) } ?? file.sourceBytes
        redactions = file.redactions
        let end = offset + file.sourceBytes
        nextOffset = end < size ? end : nil
        sha256 = file.sha256
        mode = file.mode
    }

    var text: String {
        let more = nextOffset.map { " The rest begins at offset \($0)." } ?? ""
        let hash = sha256.map { ", sha256 \($0)" } ?? ""
        return "\(size) bytes\(hash).\(more)" + AgentTexts.fenced(content ?? "(not text; see contentBase64)", "file")
    }
}
