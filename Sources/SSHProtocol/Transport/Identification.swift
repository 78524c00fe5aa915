// The identification exchange of RFC 4253 §4.2: lines of text before the first packet.

import NIOCore

/// Finds the peer's identification among what it sends first. A server may send other lines before it, a client may not.
struct IdentificationReader {
    /// Ours: what we read is the other one's.
    let role: ConnectionRole

    init(role: ConnectionRole = .client) { self.role = role }

    /// RFC 4253 §4.2: the identification, CR LF included.
    static let maximumLength = 255
    static let maximumPrefaceLine = 8192
    static let maximumPrefaceLines = 1024
    /// What is kept of the lines before it, to be shown; the rest is read past.
    static let keptPreface = 4096

    /// The lines before the identification, neutralised for display.
    private(set) var preface = ""
    private var lines = 0

    /// - Returns: The identification without its line end, or nil when more bytes are needed.
    mutating func read(from buffer: inout ByteBuffer) throws(ProtocolError) -> String? {
        while true {
            let view = buffer.readableBytesView
            guard let lineFeed = view.prefix(Self.maximumPrefaceLine).firstIndex(of: UInt8(ascii: "\n")) else {
                try refuseOverlong(view)
                return nil
            }
            var line = view[..<lineFeed]
            let length = view.distance(from: view.startIndex, to: lineFeed) + 1
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            let text = String(decoding: line, as: UTF8.self)
            buffer.moveReaderIndex(forwardBy: length)
            if text.hasPrefix("SSH-") { return try check(text, line: Array(line), length: length) }
            try keep(text)
        }
    }

    private func refuseOverlong(_ view: ByteBufferView) throws(ProtocolError) {
        if role == .server, !view.isEmpty, !view.starts(with: "SSH-".utf8.prefix(view.count)) { throw Self.notSSH }
        let isIdentification = role == .server || view.starts(with: "SSH-".utf8)
        guard view.count < (isIdentification ? Self.maximumLength : Self.maximumPrefaceLine) else {
            throw ProtocolError(
                isIdentification ? .malformed : .notSSH,
                isIdentification
                    ? "The host's identification is longer than 255 bytes."
                    : "What answered does not speak SSH: it sent a line without an end.",
                reason: .protocolError)
        }
    }

    private func check(_ text: String, line: [UInt8], length: Int) throws(ProtocolError) -> String {
        guard length <= Self.maximumLength else {
            throw .malformed("The host's identification is longer than 255 bytes.")
        }
        // RFC 4253 §4.2: printable US-ASCII; it goes into the exchange hash and into logs.
        guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .malformed("The host's identification holds bytes that are not printable ASCII.")
        }
        // RFC 4253 §5.1: 1.99 is a server that also speaks version 1.
        guard text.hasPrefix("SSH-2.0-") || text.hasPrefix("SSH-1.99-") else {
            throw ProtocolError(
                .versionNotSupported,
                "The host speaks \(DisplayText.neutralise(String(text.prefix(8)), limit: 8)) and not SSH version 2.",
                reason: .versionNotSupported)
        }
        return text
    }

    private static let notSSH = ProtocolError(
        .notSSH, "The host does not speak SSH: its first line is no identification.", reason: .protocolError)

    private mutating func keep(_ text: String) throws(ProtocolError) {
        // RFC 4253 §4.2: only a server may send something first.
        guard role == .client else { throw Self.notSSH }
        lines += 1
        guard lines <= Self.maximumPrefaceLines else {
            throw ProtocolError(
                .notSSH, "What answered does not speak SSH: it sent \(Self.maximumPrefaceLines) other lines.",
                reason: .protocolError)
        }
        let room = Self.keptPreface - preface.utf8.count
        guard room > 0 else { return }
        if !preface.isEmpty { preface += "\n" }
        preface += DisplayText.neutralise(text, limit: room)
    }
}
