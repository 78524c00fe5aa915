/// Writes ttyrec, the format that `ttyplay` reads: for each piece of output its time in seconds and microseconds, its
/// length (three little-endian 32-bit numbers), then the bytes as the host sent them. The one public format that
/// changes no byte of the output.
///
/// It knows nothing else, so a size is written as the sequence with which a program asks for it (`CSI 8 ; rows ; columns t`).
public struct TtyrecWriter: Sendable {
    /// Microseconds since 1970.
    private let startedAt: Int64
    private let columns: Int
    private let rows: Int
    private var isBegun = false

    public init(_ header: RecordingHeader) {
        startedAt = header.startedAt
        columns = header.columns
        rows = header.rows
    }

    /// Appends the frames of one event, none if it has no place in the format.
    public mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        begin(&bytes)
        switch event.kind {
        case .output(let output): frame(output, at: event.time, &bytes)
        case .resize(let columns, let rows): frame(Self.size(columns, rows), at: event.time, &bytes)
        default: break
        }
    }

    /// A recording without output has its size alone.
    public mutating func finish(to bytes: inout [UInt8]) { begin(&bytes) }

    private mutating func begin(_ bytes: inout [UInt8]) {
        guard !isBegun else { return }
        isBegun = true
        frame(Self.size(columns, rows), at: 0, &bytes)
    }

    private static func size(_ columns: Int, _ rows: Int) -> [UInt8] {
        Array("\u{1B}[8;\(max(1, rows));\(max(1, columns))t".utf8)
    }

    private func frame(_ output: [UInt8], at time: Int64, _ bytes: inout [UInt8]) {
        let moment = max(0, startedAt.addingReportingOverflow(time).partialValue)
        for number in [moment / 1_000_000, moment % 1_000_000, Int64(output.count)] {
            let value = UInt32(truncatingIfNeeded: number)
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        bytes.append(contentsOf: output)
    }
}
