import Crypto
import Foundation
import Testing

@testable import Recording

@Suite struct KeyframeDirectoryTests {
    /// A recording of `count` seconds, one chunk each, with a keyframe in every tenth and a marker in every hundredth.
    private func recorded(_ studio: Studio, seconds count: Int, closes: Bool = true) async throws {
        let writer = try studio.writer()
        for second in 0..<count {
            let time = Int64(second) * 1_000_000
            if second > 0, second.isMultiple(of: 10) {
                let screen = Array("keyframe \(second)".utf8)
                writer.append(
                    RecordingKeyframe(
                        time: time, columns: 80, rows: 24, outputOffset: Int64(second), snapshot: screen))
            }
            writer.append(output: Array("second \(second)\r\n".utf8), at: time)
            if second.isMultiple(of: 100) {
                writer.append(RecordingEvent(time: time, kind: .marker("mark \(second)")))
            }
            studio.clock.advance(1_000_000)
            studio.io.turn()
        }
        if closes { _ = await studio.close(writer) }
    }

    private func quick(_ studio: Studio) throws -> RecordingReader {
        try RecordingReader(path: studio.path, key: studio.key, walksAll: false)
    }

    @Test("a finished recording says where its keyframes are, and a seek gives what a walk over the file gives")
    func seeks() async throws {
        let studio = try Studio()
        try await recorded(studio, seconds: 600)
        let walked = try studio.reader()
        let quick = try quick(studio)
        #expect(walked.directory == nil && quick.directory?.keyframes.entries.count == 60)
        #expect(quick.isComplete && walked.isComplete && quick.chunkCount == walked.chunkCount)
        #expect(try quick.duration() == walked.duration() && quick.duration() == 599_000_000)
        for moment in [0, 1, 9_999_999, 10_000_000, 123_456_789, 599_000_000, 10_000_000_000] as [Int64] {
            var (frame, events) = try quick.seek(to: moment)
            var (wanted, others) = try walked.seek(to: moment)
            #expect(frame == wanted)
            while let event = try others.next() { #expect(try events.next() == event) }
            #expect(try events.next() == nil)
        }
        #expect(try allEvents(quick) == allEvents(walked))
        #expect(quick.verify().head == walked.verify().head)
    }

    @Test("marks are found without reading the rest, and are the same")
    func marks() async throws {
        let studio = try Studio()
        try await recorded(studio, seconds: 301)
        var found: [RecordingEvent] = []
        try quick(studio).eachMark {
            found.append($0)
            return true
        }
        #expect(found.map(\.kind) == [0, 100, 200, 300].map { .marker("mark \($0)") })
        var walked: [RecordingEvent] = []
        try studio.reader().eachMark {
            walked.append($0)
            return true
        }
        #expect(walked == found)
        #expect(try quick(studio).directory?.keyframes.marked?.count == 4)
    }

    @Test("a short recording and one whose writer was killed have none, and open all the same")
    func none() async throws {
        let short = try Studio()
        try await recorded(short, seconds: 20)
        #expect(try quick(short).directory == nil && quick(short).isComplete)
        let killed = try Studio()
        try await recorded(killed, seconds: 300, closes: false)
        #expect(try quick(killed).directory == nil)
        #expect(try quick(killed).seek(to: 250_500_000).keyframe.time == 250_000_000)
    }

    @Test("damage behind a directory is met on the way and named")
    func damaged() async throws {
        let studio = try Studio()
        try await recorded(studio, seconds: 300)
        var bytes = try contents(studio.path)
        let place = try #require(try studio.reader().chunks.dropFirst(205).first)
        bytes[Int(place.offset) + 60] ^= 1
        try store(bytes, studio.path)
        let reader = try quick(studio)
        #expect(reader.directory != nil)
        var (_, events) = try reader.seek(to: 190_000_000)
        let error = #expect(throws: RecordingError.self) { while try events.next() != nil {} }
        #expect(error?.code == .altered && error?.chunk == 205)
        guard case .damaged(let found) = reader.verify().ending else {
            Issue.record("no damage found")
            return
        }
        #expect(found.chunk == 205)
    }

    @Test("a chunk that was taken out is met on the way and named")
    func missing() async throws {
        let studio = try Studio()
        try await recorded(studio, seconds: 300)
        let place = try #require(try studio.reader().chunks.dropFirst(205).first)
        var bytes = try contents(studio.path)
        bytes.removeSubrange(Int(place.offset)..<Int(place.end))
        try store(bytes, studio.path)
        guard case .damaged(let error) = try studio.reader().verify().ending else {
            Issue.record("no damage found")
            return
        }
        #expect(error.code == .missingChunk && error.chunk == 205)
        // The directory no longer fits: it is not believed, or the seek fails; nothing wrong is shown.
        do {
            var (_, events) = try quick(studio).seek(to: 250_000_000)
            while let event = try events.next() { #expect(event.time >= 200_000_000) }
            Issue.record("the damage was not noticed")
        } catch {}
    }

    @Test("no altered byte at the end of a file makes a reader believe a wrong directory")
    func alteredEnd() async throws {
        let studio = try Studio()
        try await recorded(studio, seconds: 300)
        let whole = try contents(studio.path)
        for position in (whole.count - RecordingTrailer.chunkLength)..<whole.count {
            var bytes = whole
            bytes[position] ^= 0x41
            try store(bytes, studio.path)
            #expect(try quick(studio).directory == nil)
        }
    }

    @Test("no bytes make a directory or a trailer trap")
    func hostile() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3_000 {
            let fields = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var cursor = ByteCursor(fields)
            if let read = try? KeyframeDirectory(&cursor) { _ = read.last(notAfter: .max) }
            for code in [EventCode.directory, .trailer, .file, .command, .namedMarker, .controlChange] {
                guard var reader = try? SegmentReader([0, 0, code.rawValue, UInt8(fields.count)] + fields, chunk: 0)
                else {
                    continue
                }
                while (try? reader.next()) != nil {}
            }
        }
    }

    @Test("many keyframes are thinned out evenly, and numbers come back from the file")
    func thinned() throws {
        var directory = KeyframeDirectory()
        for index in 0..<200_000 {
            directory.note(chunk: index, offset: Int64(index) * 100, time: Int64(index) * 1000)
        }
        #expect(directory.entries.count < KeyframeDirectory.most)
        #expect(zip(directory.entries, directory.entries.dropFirst()).allSatisfy { $1.chunk - $0.chunk == 4 })
        #expect(directory.last(notAfter: 150_000_500)?.chunk == 150_000)
        #expect(directory.last(notAfter: -1) == nil)
        var cursor = ByteCursor(directory.fields)
        let read = try KeyframeDirectory(&cursor)
        #expect(read.entries == directory.entries && read.marked == [])
    }
}
