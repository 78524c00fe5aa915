import Foundation
import NIOCore
import Recording

/// A recording on its way to a reader, piece by piece: memory stays flat, however long it is.
public struct RecordingStream: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// What the pieces are.
    enum Form: Sendable {
        case export(ExportFormat)
        /// The player's lines: a head with the screen at `from`, then asciicast events from there, `limit` bytes in all.
        case replay(from: Double, limit: Int)
    }

    /// Bytes of a piece, about.
    static let piece = 64 * 1024

    let reader: RecordingReader
    let form: Form

    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader, form: form) }

    /// Reads and renders as the consumer asks.
    public struct Iterator: AsyncIteratorProtocol {
        private let reader: RecordingReader
        private let form: Form
        private var events: RecordingEvents
        private var writer: ExportWriter
        private var isBegun = false
        private var isDone = false
        private var sent = 0

        init(reader: RecordingReader, form: Form) {
            self.reader = reader
            self.form = form
            events = reader.events()
            let format: ExportFormat = if case .export(let format) = form { format } else { .asciicast }
            writer = ExportWriter(format, reader.header)
        }

        public mutating func next() async throws -> ByteBuffer? {
            guard !isDone else { return nil }
            var bytes: [UInt8] = []
            if !isBegun {
                isBegun = true
                try begin(&bytes)
            }
            while bytes.count < RecordingStream.piece {
                guard sent + bytes.count < limit, let event = try events.next() else {
                    isDone = true
                    writer.finish(&bytes)
                    break
                }
                writer.append(event, to: &bytes)
                // Rendering may make little of much: others of this thread have their turn meanwhile.
                if bytes.isEmpty { await Task.yield() }
            }
            sent += bytes.count
            return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        }

        private var limit: Int {
            if case .replay(_, let limit) = form { limit } else { .max }
        }

        private mutating func begin(_ bytes: inout [UInt8]) throws {
            guard case .replay(let from, _) = form else { return writer.begin(&bytes) }
            let moment = Int64(Swift.max(0, Swift.min(from, 1e9)) * 1_000_000)
            let (keyframe, following) = try reader.seek(to: moment)
            events = following
            bytes += try head(keyframe)
        }

        private func head(_ keyframe: RecordingKeyframe) throws -> [UInt8] {
            struct Head: Encodable {
                let columns: Int
                let rows: Int
                let from: Double
                let snapshot: String?
            }
            let head = Head(
                columns: keyframe.columns, rows: keyframe.rows, from: Double(keyframe.time) / 1_000_000,
                snapshot: keyframe.snapshot.isEmpty ? nil : Data(keyframe.snapshot).base64EncodedString())
            return Array(try JSONEncoder().encode(head)) + [UInt8(ascii: "\n")]
        }
    }
}

extension Recordings.Opened {
    /// The whole recording in a format that leaves the copilot.
    public func stream(_ format: ExportFormat) -> RecordingStream {
        RecordingStream(reader: reader, form: .export(format))
    }

    /// What the player needs from `from` seconds on, about `limit` bytes.
    public func replay(from: Double, limit: Int) -> RecordingStream {
        RecordingStream(reader: reader, form: .replay(from: from, limit: Swift.max(1024, limit)))
    }
}
