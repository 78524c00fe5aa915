import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The built page, held in memory since it is small: what is not in this table cannot be asked for, so there is no path
/// to leave the folder by.
struct PageFiles: Sendable {
    struct File: Sendable {
        let content: ByteBuffer
        let compressed: ByteBuffer?
        let type: String
        let tag: String
        let cacheControl: String
    }

    /// Bytes of all files together that a page folder may hold.
    private static let maximumBytes = 128 * 1024 * 1024

    private let files: [String: File]

    /// Reads a folder. Hidden files and everything that is no regular file are left out.
    /// - Throws: `WebServerError` when the folder has no readable `index.html`.
    init(folder: String) throws {
        let unreadable = WebServerError(
            .pageUnreadable, "The page folder \(folder) cannot be used: it has no readable index.html.",
            hint: "Build the page first, or correct the folder's path.")
        let root = URL(fileURLWithPath: folder, isDirectory: true).resolvingSymlinksInPath()
        let keys: Set<URLResourceKey> = [.isRegularFileKey, .isSymbolicLinkKey, .fileSizeKey]
        guard
            let found = FileManager.default.enumerator(
                at: root, includingPropertiesForKeys: Array(keys), options: [.skipsHiddenFiles])
        else { throw unreadable }
        var contents: [String: Data] = [:]
        var total = 0
        for case let url as URL in found {
            let values = try url.resourceValues(forKeys: keys)
            guard values.isRegularFile == true, values.isSymbolicLink != true else { continue }
            total += values.fileSize ?? 0
            guard total <= Self.maximumBytes else {
                throw WebServerError(
                    .pageUnreadable, "The page folder \(folder) holds more than \(Self.maximumBytes >> 20) MiB.",
                    hint: "Give the folder of the built page, not of its sources.")
            }
            contents[Self.path(of: url, below: root)] = try Data(contentsOf: url)
        }
        guard contents["/index.html"] != nil else { throw unreadable }
        var files: [String: File] = [:]
        for (path, content) in contents where !path.hasSuffix(".gz") {
            files[path] = File(path: path, content: content, compressed: contents[path + ".gz"])
        }
        files["/"] = files["/index.html"]
        self.files = files
    }

    func file(at path: String) -> File? { files[path] }

    private static func path(of url: URL, below root: URL) -> String {
        let depth = root.standardizedFileURL.pathComponents.count
        return "/" + url.standardizedFileURL.pathComponents.dropFirst(depth).joined(separator: "/")
    }
}

extension PageFiles.File {
    fileprivate init(path: String, content: Data, compressed: Data?) {
        self.content = ByteBuffer(bytes: content)
        self.compressed = compressed.map { ByteBuffer(bytes: $0) }
        type = Self.type(of: path)
        tag = "\"" + SHA256.hash(data: content).prefix(12).map { Self.hexadecimal($0) }.joined() + "\""
        cacheControl =
            path == "/index.html"
            ? "no-store" : Self.hasContentHash(path) ? "public, max-age=31536000, immutable" : "no-cache"
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return text.count == 1 ? "0" + text : text
    }

    /// Whether a name carries the hash of its content as the page's build writes it: `main-3K5QWX7A.js`.
    private static func hasContentHash(_ path: String) -> Bool {
        guard let name = path.split(separator: "/").last, let dash = name.lastIndex(of: "-") else { return false }
        let hash = name[name.index(after: dash)...].prefix { $0 != "." }
        return hash.utf8.count == 8
            && hash.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
    }

    private static func type(of path: String) -> String {
        switch path.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "json", "map": "application/json; charset=utf-8"
        case "webmanifest": "application/manifest+json; charset=utf-8"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "woff": "font/woff"
        case "ttf": "font/ttf"
        case "wasm": "application/wasm"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }
}

/// Answers with the page's files; everything else goes on to the routes.
struct PageAnswers: RouterMiddleware {
    typealias Context = WebRequestContext

    let files: PageFiles

    func handle(
        _ request: Request, context: WebRequestContext,
        next: (Request, WebRequestContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .get || request.method == .head, let file = files.file(at: request.uri.path) else {
            return try await next(request, context)
        }
        var headers: HTTPFields = [.contentType: file.type, .cacheControl: file.cacheControl, .eTag: file.tag]
        if request.headers[.ifNoneMatch] == file.tag { return Response(status: .notModified, headers: headers) }
        var content = file.content
        if let compressed = file.compressed {
            headers[.vary] = "Accept-Encoding"
            if Self.takesGzip(request) {
                headers[.contentEncoding] = "gzip"
                content = compressed
            }
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: content))
    }

    private static func takesGzip(_ request: Request) -> Bool {
        request.headers[values: .acceptEncoding].flatMap { $0.split(separator: ",") }.contains { item in
            let parts = item.lowercased().filter { $0 != " " }.split(separator: ";")
            return parts.first == "gzip" && !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" }
        }
    }
}
