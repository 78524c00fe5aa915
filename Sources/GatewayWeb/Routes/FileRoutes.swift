import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import SFTP

/// `/api/sessions/:id/files`: the files of a live session's host. Contents flow through, however large they are; a
/// path is the query's `path`, percent-encoded bytes.
struct FileRoutes: Sendable {
    let files: FileService
    let agents: AgentRoutes

    func add(to routes: RouteTable) {
        let path = "/api/sessions/:id/files"
        routes.either(
            .get, path, time: AgentRoutes.time, person: { call, caller in try await get(call, caller) },
            agent: { call, agent in try await agents.readFile(call, agent) })
        routes.either(
            .delete, path, time: AgentRoutes.time, person: { call, caller in try await remove(call, caller) },
            agent: { call, agent in try await agents.removeFile(call, agent) })
        routes.eitherWithBytes(
            .post, path, agentBytes: AgentRoutes.largeBody,
            person: { call, caller in try await upload(call, caller) },
            agent: { call, agent in try await agents.writeFile(call, agent) })
        routes.signedInWithBytes(.put, path) { call, caller in try await upload(call, caller) }
        routes.signedIn(.get, path + "/entry") { call, caller in
            try JSONAnswer.response(
                FileEntryAnswer(entry: try await files.entry(call.path(), in: access(call, caller))))
        }
        routes.signedIn(.get, path + "/text") { call, caller in
            let text = try await files.text(
                call.path(), fromEnd: call.query("from") == "end", in: access(call, caller))
            return try JSONAnswer.response(text)
        }
        routes.signedIn(.get, path + "/hash") { call, caller in try await hash(call, caller) }
        routes.signedIn(.get, path + "/archive") { call, caller in try await archive(call, caller) }
        routes.signedIn(.post, path + "/folder") { call, caller in
            let made = try await files.makeFolder(call.path(), in: access(call, caller))
            return try JSONAnswer.response(FileEntryAnswer(entry: made), status: .created)
        }
        routes.signedIn(.post, path + "/rename") { call, caller in
            let renamed = try await files.rename(
                call.path(), to: call.path("to"), replacing: call.query("replace") == "true",
                in: access(call, caller))
            return try JSONAnswer.response(FileEntryAnswer(entry: renamed))
        }
        routes.signedIn(.post, path + "/mode") { call, caller in
            let changed = try await files.setMode(try call.mode() ?? .max, of: call.path(), in: access(call, caller))
            return try JSONAnswer.response(FileEntryAnswer(entry: changed))
        }
        routes.signedIn(.get, path + "/upload") { call, caller in
            let offset = try await files.uploadOffset(
                call.query("upload") ?? "", of: call.path(), in: access(call, caller))
            return try JSONAnswer.response(UploadAnswer(complete: false, offset: offset))
        }
        routes.signedIn(.delete, path + "/upload") { call, caller in
            try await files.dropUpload(call.query("upload") ?? "", of: call.path(), in: access(call, caller))
            return JSONAnswer.noContent
        }
    }

    private func access(_ call: Call, _ caller: Caller) async throws -> FileAccess {
        try await files.access(call.parameter("id"), caller: caller)
    }

    // MARK: Reading

    /// A folder is listed, a file is downloaded.
    private func get(_ call: Call, _ caller: Caller) async throws -> Response {
        let access = try await access(call, caller)
        let path = try call.path()
        if try await files.isFolder(path, in: access) {
            let limit = try call.integer("limit", in: 1...10_000) ?? 1000
            let listing = try await files.list(
                path, in: access, page: FilePage(cursor: call.query("cursor"), limit: Int(limit)))
            return try JSONAnswer.response(listing)
        }
        if call.request.method == .head {
            let entry = try await files.entry(path, in: access)
            return Response(status: .ok, headers: FileAnswer.headers(entry))
        }
        return try await download(path, call, access)
    }

    private func download(_ path: RemotePath, _ call: Call, _ access: FileAccess) async throws -> Response {
        var range = FileRange(call.request.headers[.range])
        if let known = call.request.headers[.ifRange], range != .whole {
            // Parts of two states of a file make no file.
            let entry = try await files.entry(path, in: access)
            if entry.version.map({ "\"\($0)\"" }) != known { range = .whole }
        }
        let download = try await files.read(path, range: range, in: access)
        var headers = FileAnswer.headers(download.entry)
        if range != .whole, let part = download.range, let total = download.total {
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(total)"
        }
        return Response(
            status: range == .whole ? .ok : .partialContent, headers: headers,
            body: ResponseBody(contentLength: download.range.map(\.count)) { writer in
                try await download.stream { try await writer.write($0) }
                try await writer.finish(nil)
            })
    }

    private func archive(_ call: Call, _ caller: Caller) async throws -> Response {
        let archive = try await files.archive(try call.paths(), in: access(call, caller))
        var headers = FileAnswer.attachment(archive.name + ".zip")
        headers[.contentType] = "application/zip"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                try await archive.stream { try await writer.write($0) }
                try await writer.finish(nil)
            })
    }

    // MARK: Long work

    /// Lines of JSON while it goes on, since it may take longer than anybody waits for an answer; the last one says how
    /// it ended.
    private func hash(_ call: Call, _ caller: Caller) async throws -> Response {
        let access = try await access(call, caller)
        let path = try call.path()
        guard try await !files.isFolder(path, in: access) else {
            throw GatewayError.invalid(field: "path", "A folder has no checksum.")
        }
        return ProgressLines.response { lines in
            let receipt = try await files.hash(path, in: access) { try await lines.tell(FileProgress(bytes: $0)) }
            return FileProgress(bytes: receipt.size, sha256: receipt.sha256)
        }
    }

    private func remove(_ call: Call, _ caller: Caller) async throws -> Response {
        let access = try await access(call, caller)
        let path = try call.path()
        guard call.query("recursive") == "true" else {
            try await files.remove(path, in: access)
            return JSONAnswer.noContent
        }
        return ProgressLines.response { lines in
            let removed = try await files.remove(path, recursive: true, in: access) {
                try await lines.tell(FileProgress(removed: $0))
            }
            return FileProgress(removed: removed, done: true)
        }
    }

    // MARK: Writing

    private func upload(_ call: Call, _ caller: Caller) async throws -> Response {
        let access = try await access(call, caller)
        let options = try call.writeOptions()
        let path = try call.path()
        // Whoever may not write gets no time either.
        try await access.require(.write)
        call.context.channel.triggerUserOutboundEvent(RequestDeadlines.BodyIsFile(), promise: nil)
        switch try await files.write(call.request.body, to: path, options, in: access) {
        case .complete(let entry, let receipt):
            return try JSONAnswer.response(
                UploadAnswer(complete: true, offset: receipt.size, entry: entry, sha256: receipt.sha256),
                status: .created)
        case .partial(let offset):
            return try JSONAnswer.response(UploadAnswer(complete: false, offset: offset), status: .accepted)
        }
    }
}

extension Call {
    /// The bytes of a value of the query; nil when it is not there.
    func bytes(_ name: String) -> [UInt8]? { allBytes(name).first }

    /// The bytes of every value of that name.
    func allBytes(_ name: String) -> [[UInt8]] {
        (request.uri.query ?? "").split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.first.map({ $0 == name }) == true else { return nil }
            return parts.count > 1 ? PercentEncoding.bytes(of: parts[1].utf8) : []
        }
    }

    func path(_ name: String = "path") throws -> RemotePath {
        try RemotePath.requested(bytes(name) ?? [], field: name)
    }

    func paths() throws -> [RemotePath] { try allBytes("path").map { try RemotePath.requested($0) } }

    /// Four octal digits.
    func mode() throws -> UInt32? {
        guard let text = query("mode") else { return nil }
        guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else {
            throw GatewayError.invalid(field: "mode", "“mode” must be octal digits such as 0644.")
        }
        return mode
    }

    /// How the body is to be written. Its length has to be known: a stream that breaks off looks like one that ends.
    func writeOptions() throws -> FileWrite {
        let offset = try integer("offset", in: 0...Int64.max)
        let length = request.headers[.contentLength].flatMap(UInt64.init)
        var size = try integer("size", in: 0...Int64.max).map(UInt64.init)
        if size == nil, let length {
            let (sum, overflows) = length.addingReportingOverflow(UInt64(offset ?? 0))
            size = overflows ? nil : sum
        }
        guard let size else {
            throw GatewayError(
                "length_required", status: 411, "The size of the file is not known.",
                hint: "Send a Content-Length, or “size” in the query.")
        }
        var precondition = FileWrite.Precondition.none
        if request.headers[.ifNoneMatch] == "*" { precondition = .absent }
        if let version = request.headers[.ifMatch] {
            precondition = .version(version.split(separator: "\"").first.map(String.init) ?? "")
        }
        return FileWrite(
            offset: UInt64(offset ?? 0), size: size, upload: query("upload"), sha256: query("sha256"),
            mode: try mode(), modified: try integer("modified", in: 0...Int64(UInt32.max)).map { UInt32($0) },
            precondition: precondition)
    }
}

extension FileRange {
    /// A Range field with one part. What is none, or has several, stands for the whole, as RFC 9110 §14.2 lets it.
    init(_ field: String?) {
        self = .whole
        guard let field, field.lowercased().hasPrefix("bytes=") else { return }
        let parts = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let (start, end) = (UInt64(parts[0]), UInt64(parts[1]))
        switch (start, end) {
        case (let start?, let end?) where start <= end: self = .between(start, end)
        case (let start?, nil) where parts[1].isEmpty: self = .from(start)
        case (nil, let count?) where parts[0].isEmpty: self = .last(count)
        default: return
        }
    }
}
