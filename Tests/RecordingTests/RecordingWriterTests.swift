import Crypto
import Foundation
import NIOCore
import Testing

@testable import Recording

@Suite struct RecordingWriterTests {
    @Test("every kind of event comes back as it was recorded, in order")
    func roundTrip() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        let kinds: [RecordingEvent.Kind] = [
            .output([0, 27, 255]), .input(Array("ls\r".utf8), actor: "ada"), .redactedInput(count: 7, actor: "ada"),
            .resize(columns: 120, rows: 40), .marker("deploy"), .chat("look — hier", actor: "bob"),
            .controlChange(holder: "bob"), .controlChange(holder: nil, from: "bob"), .join(actor: "bob", mode: "view"),
            .leave(actor: "bob"), .gap(bytes: 12), .exit(status: 255, signal: nil), .exit(status: nil, signal: "TERM"),
            .exit(status: -1, signal: nil), .marker("here", actor: "bob"),
            .file(RecordedFile(operation: "upload", path: "/tmp/ü", size: 12, sha256: "ab"), actor: "ada"),
            .file(RecordedFile(operation: "delete", path: "/tmp/b"), actor: "ada"),
            .command("uptime", status: -1, actor: "agent"), .command("sleep 9", status: nil, actor: "agent"),
        ]
        let events = kinds.enumerated().map { RecordingEvent(time: Int64($0.offset) * 1000, kind: $0.element) }
        for event in events { #expect(writer.append(event) == .accepted) }
        let summary = await studio.close(writer)
        let reader = try studio.reader()
        #expect(try allEvents(reader) == events)
        #expect(reader.isComplete && summary.isComplete)
        #expect(try reader.duration() == 18_000 && summary.duration == 18_000)
        #expect(reader.header == writer.header && reader.wrappedKey == [1, 2, 3])
        #expect(reader.verify().head == summary.head && reader.bytes == summary.bytes)
    }

    @Test("the file has mode 0600 and is never opened over another")
    func modeAndExclusive() throws {
        let studio = try Studio()
        _ = try studio.writer()
        let mode = try FileManager.default.attributesOfItem(atPath: studio.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect { try studio.writer() } throws: { ($0 as? RecordingError)?.code == .exists }
        try FileManager.default.createSymbolicLink(
            atPath: studio.folder.file("link.rec"), withDestinationPath: "/tmp/elsewhere-\(UUID().uuidString)")
        #expect { try studio.writer("link.rec") } throws: { ($0 as? RecordingError)?.code == .exists }
        #expect { try studio.writer("no/such.rec") } throws: { ($0 as? RecordingError)?.code == .notFound }
    }

    @Test("nothing that was recorded stands readable in the file")
    func encrypted() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        let secret = String(repeating: "Wallenstein ", count: 3)
        writer.append(output: Array(secret.utf8), at: 0)
        _ = await studio.close(writer)
        #expect(!String(decoding: try contents(studio.path), as: UTF8.self).contains("Wallen"))
    }

    @Test("an event is in the file within a second, without another one")
    func flushedWithinASecond() throws {
        let studio = try Studio()
        let writer = try studio.writer()
        studio.clock.advance(5_000_000)
        studio.io.turn()
        writer.append(output: Array("hello".utf8), at: 1)
        let due = try #require(studio.io.turn())
        #expect(due <= studio.clock.now + 1_000_000)
        studio.clock.advance(due - studio.clock.now)
        studio.io.turn()
        #expect(outputText(try allEvents(try studio.reader())) == "hello")
        #expect(try studio.reader().ending == .recording)
    }

    @Test("64 KiB are written at once, and a long output is cut into bounded events without a byte lost")
    func flushedBySize() throws {
        let studio = try Studio()
        let writer = try studio.writer()
        let output = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        writer.append(output: ByteBuffer(bytes: output), at: 1)
        studio.io.turn()
        let events = try allEvents(try studio.reader())
        let bytes = events.flatMap { event -> [UInt8] in if case .output(let part) = event.kind { part } else { [] } }
        #expect(bytes.count >= 196_608 && Array(output.prefix(bytes.count)) == bytes)
        #expect(events.count >= 6)
    }

    @Test("time never runs backwards in a recording")
    func monotonicTime() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        for time: Int64 in [5000, 3000, -7, 6000] { writer.append(RecordingEvent(time: time, kind: .marker("x"))) }
        _ = await studio.close(writer)
        #expect(try allEvents(try studio.reader()).map(\.time) == [5000, 5000, 5000, 6000])
    }

    @Test("a keyframe is wanted after 256 KiB, begins a chunk and stands between the right events")
    func keyframes() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        var offset: Int64 = 0
        for second in 0..<100 {
            let output = Array("line \(second)\r\n".utf8) + [UInt8](repeating: 65, count: 10_000)
            writer.append(output: output, at: Int64(second) * 1_000_000)
            offset += Int64(output.count)
            if writer.wantsKeyframe {
                writer.append(
                    RecordingKeyframe(
                        time: Int64(second) * 1_000_000, columns: 80, rows: 24, outputOffset: offset,
                        snapshot: Array("after \(second)".utf8)))
            }
        }
        _ = await studio.close(writer)
        let reader = try studio.reader()
        let (keyframe, following) = try reader.seek(to: 60_500_000)
        let after = try #require(Int(String(decoding: keyframe.snapshot, as: UTF8.self).dropFirst(6)))
        #expect(after <= 60 && after > 60 - 30)
        #expect(keyframe.outputOffset == Int64((0...after).map { "line \($0)\r\n".utf8.count + 10_000 }.reduce(0, +)))
        var events = following
        let next = try #require(try events.next())
        #expect(outputText([next]).hasPrefix("line \(after + 1)\r\n"))
    }

    @Test("beyond the limit events are refused, and the recording says how much is missing and where")
    func bounded() async throws {
        let studio = try Studio()
        let writer = try studio.writer(bounds: .init(behind: 50_000, limit: 100_000))
        let log = StateLog()
        writer.onState = log.add
        let piece = [UInt8](repeating: 66, count: 40_000)
        #expect((0..<3).map { _ in writer.append(output: piece, at: 1) } == [.accepted, .accepted, .refused])
        #expect(log.codes == ["behind"])
        studio.io.turn()
        #expect(log.codes == ["behind", "caughtUp"])
        #expect(writer.append(RecordingEvent(time: 2, kind: .marker("after"))) == .accepted)
        _ = await studio.close(writer)
        let kinds = try allEvents(try studio.reader()).map(\.kind).suffix(2)
        #expect(Array(kinds) == [.gap(bytes: 40_000), .marker("after")])
    }

    @Test("a closed recording refuses, and closing twice gives the same summary")
    func closedTwice() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        let first = await studio.close(writer)
        #expect(writer.append(RecordingEvent(time: 1, kind: .marker("late"))) == .refused)
        #expect(await writer.close() == first)
        #expect(await writer.flush() == false)
    }

    @Test("one thread writes many recordings, and flush puts each on the disk")
    func manyRecordings() async throws {
        let folder = try TemporaryFolder()
        let io = try RecordingIO()
        let key = SymmetricKey(size: .bits256)
        let writers = try (0..<50).map { number in
            try RecordingWriter.create(
                path: folder.file("\(number).rec"), header: Studio.header(id: "rec_\(number)"), key: key,
                wrappedKey: [], io: io)
        }
        for writer in writers {
            for number in 0..<200 { writer.append(output: Array("\(number) ".utf8), at: Int64(number)) }
        }
        #expect(await writers[7].flush())
        let flushed = try RecordingReader(path: folder.file("7.rec"), key: key)
        #expect(outputText(try allEvents(flushed)).hasSuffix(" 199 "))
        await io.shutdown()
        for number in 0..<50 {
            let reader = try RecordingReader(path: folder.file("\(number).rec"), key: key)
            #expect(reader.isComplete)
            #expect(try allEvents(reader).count == 200)
        }
    }
}
