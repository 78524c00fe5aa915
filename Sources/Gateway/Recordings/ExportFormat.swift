import Recording

/// What a recording leaves the copilot as.
public enum ExportFormat: String, Sendable, CaseIterable {
    /// asciicast version 2.
    case asciicast
    /// asciicast version 3.
    case asciicast3
    case ttyrec
    /// What was shown, as plain text.
    case text
    /// One page that plays in a browser without a network.
    case html

    /// Ending of the file's name.
    public var fileExtension: String {
        switch self {
        case .asciicast, .asciicast3: "cast"
        case .ttyrec: "ttyrec"
        case .text: "txt"
        case .html: "html"
        }
    }

    /// Media type.
    public var mediaType: String {
        switch self {
        case .asciicast, .asciicast3: "application/x-asciicast"
        case .ttyrec: "application/octet-stream"
        case .text: "text/plain; charset=utf-8"
        case .html: "text/html; charset=utf-8"
        }
    }
}

/// Writes a recording event by event in one of the formats.
struct ExportWriter: Sendable {
    private enum Writer: Sendable {
        case asciicast(AsciicastWriter)
        case ttyrec(TtyrecWriter)
        case text(Transcript)
        case html(HTMLRecording)
    }

    private var writer: Writer
    private let start: [UInt8]

    init(_ format: ExportFormat, _ header: RecordingHeader) {
        switch format {
        case .asciicast:
            writer = .asciicast(AsciicastWriter(.v2))
            start = Asciicast2.headerLine(header)
        case .asciicast3:
            writer = .asciicast(AsciicastWriter(.v3))
            start = Asciicast2.headerLine(header, version: .v3)
        case .ttyrec:
            writer = .ttyrec(TtyrecWriter(header))
            start = []
        case .text:
            writer = .text(Transcript(columns: header.columns, rows: header.rows))
            start = []
        case .html:
            writer = .html(HTMLRecording(header))
            start = []
        }
    }

    func begin(_ bytes: inout [UInt8]) { bytes += start }

    mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        switch writer {
        case .asciicast(var cast):
            cast.append(event, to: &bytes)
            writer = .asciicast(cast)
        case .ttyrec(var ttyrec):
            ttyrec.append(event, to: &bytes)
            writer = .ttyrec(ttyrec)
        case .text(var text):
            writer = .ttyrec(Self.none)
            text.append(event, to: &bytes)
            writer = .text(text)
        case .html(var html):
            // The screen within is large: taken out while it changes, so that it is not copied for each event.
            writer = .ttyrec(Self.none)
            html.append(event, to: &bytes)
            writer = .html(html)
        }
    }

    mutating func finish(_ bytes: inout [UInt8]) {
        switch writer {
        case .asciicast(var cast): cast.finish(to: &bytes)
        case .ttyrec(var ttyrec): ttyrec.finish(to: &bytes)
        case .text(var text): text.finish(to: &bytes)
        case .html(var html): html.finish(to: &bytes)
        }
    }

    private static let none = TtyrecWriter(
        RecordingHeader(id: "", session: "", title: "", host: "", user: "", startedAt: 0, columns: 1, rows: 1))
}
