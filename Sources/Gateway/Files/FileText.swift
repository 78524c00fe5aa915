import NIOCore
import SFTP

/// A text file, or a part of one, to be looked at and edited.
public struct FileText: Sendable, Encodable {
    public let entry: FileEntry
    /// Null for what is no UTF-8 text.
    public let text: String?
    /// The text is not the whole file.
    public let truncated: Bool
    /// Of the whole file; for `If-Match` when it is saved.
    public let version: String?
    public let mayWrite: Bool

    private enum CodingKeys: String, CodingKey { case entry, text, truncated, version, mayWrite }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(entry, forKey: .entry)
        try container.encode(text, forKey: .text)
        try container.encode(truncated, forKey: .truncated)
        try container.encode(version, forKey: .version)
        try container.encode(mayWrite, forKey: .mayWrite)
    }
}

extension FileService {
    /// Bytes of a text that is shown whole, and edited.
    public static let longestText = 1 << 20
    /// Bytes that are shown of a longer one.
    static let textPart: UInt64 = 256 << 10

    /// A file as text. Of a long one the beginning, or the end.
    public func text(
        _ path: RemotePath, fromEnd: Bool = false, in access: FileAccess
    ) async throws(GatewayError) -> FileText {
        let size = try await sizeForText(path, in: access)
        let isTruncated = size > UInt64(Self.longestText)
        let range: FileRange =
            !isTruncated ? .whole : fromEnd ? .last(Self.textPart) : .between(0, Self.textPart - 1)
        let download = try await open(path, range, .view, in: access)
        var contents = ByteBuffer()
        let receipt = try await download.stream { piece in
            guard contents.readableBytes + piece.readableBytes <= 2 * Self.longestText else {
                throw GatewayError(
                    "too_large", status: 413, "“\(path)” is too long to be shown as text.", hint: "Download it.")
            }
            contents.writeImmutableBuffer(piece)
        }
        let version = isTruncated ? download.entry.version : "sha256-" + receipt.sha256
        return FileText(
            entry: download.entry, text: Self.decoded(contents, cutAtStart: isTruncated && fromEnd, isTruncated),
            truncated: isTruncated, version: version, mayWrite: access.mayWrite)
    }

    private func sizeForText(_ path: RemotePath, in access: FileAccess) async throws(GatewayError) -> UInt64 {
        try await access.check(.read)
        return try await hosts.with(access.session) { try await $0.attributes(of: path).size ?? 0 }
    }

    /// The text; nil for what is none. A character that the cut went through is left out.
    private static func decoded(_ contents: ByteBuffer, cutAtStart: Bool, _ isCut: Bool) -> String? {
        var bytes = Array(contents.readableBytesView)[...]
        guard !bytes.contains(0) else { return nil }
        if cutAtStart {
            bytes = bytes.drop { $0 & 0xC0 == 0x80 }
        } else if isCut, let start = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }), bytes[start] >= 0xC0 {
            bytes = bytes[..<start]
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
