import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore

/// `{"entry": …}`.
struct FileEntryAnswer: Encodable {
    let entry: FileEntry
}

/// How an upload stands.
struct UploadAnswer: Encodable {
    let complete: Bool
    let offset: UInt64
    var entry: FileEntry?
    var sha256: String?
}

/// A line of a long operation.
struct FileProgress: Encodable {
    var bytes: UInt64?
    var sha256: String?
    var removed: Int?
    var done: Bool?
}

/// The headers of a file that leaves the copilot: it is saved, never shown, whatever is in it and whatever its name.
enum FileAnswer {
    static func headers(_ entry: FileEntry) -> HTTPFields {
        var headers = attachment(entry.name)
        headers[.contentType] = "application/octet-stream"
        headers[.acceptRanges] = "bytes"
        if let version = entry.version { headers[.eTag] = "\"\(version)\"" }
        return headers
    }

    /// Content-Disposition with a name that is a plain word, and the real one as RFC 8187 encodes it.
    static func attachment(_ name: String) -> HTTPFields {
        let safe = safeName(name)
        let plain = String(
            safe.unicodeScalars.map { scalar -> Character in
                let isPlain =
                    scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789.-_ ".contains(Character(scalar)))
                return isPlain ? Character(scalar) : "_"
            })
        let encoded = PercentEncoding.text(of: Array(safe.utf8))
        return [.contentDisposition: "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"]
    }

    /// A name that is no path on any system and has no character that cannot be seen.
    private static func safeName(_ name: String) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in name.unicodeScalars.prefix(200) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: safe.append("_")
            default: safe.append("/\\:*?\"<>|".unicodeScalars.contains(scalar) ? "_" : scalar)
            }
        }
        let text = String(safe).trimmingCharacters(in: .whitespaces)
        return text.isEmpty || text.allSatisfy { $0 == "." } ? "file" : text
    }
}

/// RFC 3986 §2.1, over bytes: a path of a host is not always text.
enum PercentEncoding {
    /// A "+" is a space, as forms encode it. A "%" that is followed by no two digits stands for itself.
    static func bytes(of text: some Collection<UInt8>) -> [UInt8] {
        let text = Array(text)
        var bytes: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.count, let high = digit(text[index + 1]),
                let low = digit(text[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(text[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : text[index])
                index += 1
            }
        }
        return bytes
    }

    /// Everything but letters, digits and "-._~" as digits.
    static func text(of bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}

/// An answer that begins at once and says in lines of JSON how far the work has come. An error after the beginning is
/// the last line, with the body that it would have had.
struct ProgressLines {
    private static let interval = TimeAmount.seconds(1)

    private var writer: any ResponseBodyWriter
    private var toldAt = NIODeadline.now()

    /// At most once a second.
    mutating func tell(_ progress: FileProgress) async throws {
        let now = NIODeadline.now()
        guard now - toldAt >= Self.interval else { return }
        toldAt = now
        try await write(progress)
    }

    private mutating func write(_ value: some Encodable) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        try await writer.write(ByteBuffer(bytes: try encoder.encode(value) + [UInt8(ascii: "\n")]))
    }

    /// - Parameter work: Returns the last line.
    static func response(
        _ work: @escaping @Sendable (inout ProgressLines) async throws -> FileProgress
    ) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                var lines = ProgressLines(writer: writer)
                do {
                    let last = try await work(&lines)
                    try await lines.write(last)
                } catch let error as GatewayError {
                    try await lines.write(ErrorBody(error))
                }
                try await writer.finish(nil)
            })
    }
}
