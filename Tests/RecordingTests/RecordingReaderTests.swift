import Crypto
import Foundation
import Testing

@testable import Recording

@Suite struct RecordingReaderTests {
    private func code(_ body: () throws -> Void) -> RecordingError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RecordingError)?.code
        }
    }

    /// The recording's chunks as they stand in the file, and what stands before them.
    private func pieces(_ studio: Studio, _ name: String = "a.rec", key: SymmetricKey? = nil) throws -> (
        start: [UInt8], chunks: [[UInt8]]
    ) {
        let bytes = try contents(studio.folder.file(name))
        let reader = try studio.reader(name, key: key)
        let start = Int(try #require(reader.chunks.first).offset)
        return (
            Array(bytes.prefix(start)),
            reader.chunks.map { Array(bytes[Int($0.offset)..<(Int($0.offset) + 52 + $0.sealedLength)]) }
        )
    }

    private func damage(_ studio: Studio, _ start: [UInt8], _ chunks: [[UInt8]]) throws -> RecordingError {
        try store(start + chunks.flatMap { $0 }, studio.folder.file("bad.rec"))
        let reader = try studio.reader("bad.rec")
        guard case .damaged(let error) = reader.verify().ending else {
            Issue.record("no damage found")
            return .internalFailure("none")
        }
        return error
    }

    @Test("an altered byte anywhere in a chunk is found, and everything before that chunk plays")
    func alteredByte() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 4)
        let (start, chunks) = try pieces(studio)
        for position in chunks[2].indices {
            var altered = chunks
            altered[2][position] ^= 0x10
            try store(start + altered.flatMap { $0 }, studio.folder.file("bad.rec"))
            let reader = try studio.reader("bad.rec")
            var events = reader.events()
            var text = ""
            var failure: RecordingError?
            do {
                while let event = try events.next() { text += outputText([event]) }
            } catch { failure = error }
            // A length that reaches beyond the file looks like a cut tail: it ends there, and is not complete.
            #expect(failure != nil || (reader.ending == .truncated(at: reader.end) && position < 4))
            #expect(text == "second 0\r\nsecond 1\r\n")
            if let failure { #expect(failure.chunk == 2) }
        }
    }

    @Test("an altered byte in the header is found")
    func alteredHeader() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 1)
        let (start, chunks) = try pieces(studio)
        for position in start.indices {
            var altered = start
            altered[position] ^= 1
            try store(altered + chunks.flatMap { $0 }, studio.folder.file("bad.rec"))
            #expect(code { _ = try studio.reader("bad.rec") } != nil)
        }
        var altered = start
        altered[start.count - 34] ^= 1
        try store(altered + chunks.flatMap { $0 }, studio.folder.file("bad.rec"))
        #expect(code { _ = try studio.reader("bad.rec") } == .headerAltered)
    }

    @Test("another recording's key is refused")
    func wrongKey() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 1)
        #expect(code { _ = try studio.reader(key: SymmetricKey(size: .bits256)) } == .headerAltered)
    }

    @Test("a missing chunk is named")
    func missingChunk() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 5)
        var (start, chunks) = try pieces(studio)
        chunks.remove(at: 2)
        let error = try damage(studio, start, chunks)
        #expect(error.code == .missingChunk && error.chunk == 2)
    }

    @Test("chunks that changed places are named")
    func swappedChunks() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 5)
        var (start, chunks) = try pieces(studio)
        chunks.swapAt(2, 3)
        let error = try damage(studio, start, chunks)
        #expect(error.code == .outOfOrder && error.chunk == 2)
    }

    @Test("a chunk of another recording is found, even one made with the same key")
    func foreignChunk() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 5)
        try await studio.record("b.rec", id: "rec_2", seconds: 5)
        var (start, chunks) = try pieces(studio)
        chunks[2] = try pieces(studio, "b.rec").chunks[2]
        let error = try damage(studio, start, chunks)
        #expect(error.code == .chainBroken && error.chunk == 2)
    }

    @Test("a cut tail is told from a complete recording, and bytes after the end are found")
    func tails() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 3)
        let (start, chunks) = try pieces(studio)
        try store(start + chunks.dropLast().flatMap { $0 }, studio.folder.file("cut.rec"))
        let cut = try studio.reader("cut.rec")
        #expect(cut.ending == .truncated(at: cut.bytes) && !cut.isComplete)
        #expect(try allEvents(cut).count == 3)
        #expect(try damage(studio, start, chunks + [[0]]).code == .trailingData)
        try store(start + chunks[0] + [UInt8](repeating: 0, count: 5000), studio.folder.file("blank.rec"))
        #expect(try studio.reader("blank.rec").ending == .truncated(at: Int64(start.count + chunks[0].count)))
    }

    @Test("what is no recording is refused with its own reason")
    func notARecording() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 1)
        let (start, _) = try pieces(studio)
        try store(Array("#!/bin/sh\n".utf8), studio.folder.file("x"))
        #expect(code { _ = try studio.reader("x") } == .notARecording)
        try store(Array(start.prefix(40)), studio.folder.file("x"))
        #expect(code { _ = try studio.reader("x") } == .headerCut)
        try store([], studio.folder.file("x"))
        #expect(code { _ = try studio.reader("x") } == .headerCut)
        var newer = start
        newer[9] = 2
        try store(newer, studio.folder.file("x"))
        #expect(code { _ = try studio.reader("x") } == .unsupportedVersion)
        #expect(code { _ = try studio.reader("nothing") } == .notFound)
        #expect(code { _ = try RecordingReader(path: studio.folder.path, key: studio.key) } == .notARecording)
    }

    @Test("a chunk that would inflate beyond what it declares is refused without filling the memory")
    func compressionBomb() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 1)
        let (start, _) = try pieces(studio)
        let compressed = try Deflater().deflate([UInt8](repeating: 0, count: 50_000_000))
        let keys = RecordingKeys(studio.key, recordingID: "rec_1")
        let seal = ChunkSeal(recordingID: "rec_1", key: keys.chunks)
        for declared in [1000, RecordingFormat.maximumRaw] {
            let header = ChunkHeader(
                sealedLength: compressed.count + 16, rawLength: declared, flags: .final, index: 0,
                previousHash: Array(SHA256.hash(data: start)))
            #expect(try damage(studio, start, [try seal.seal(compressed, header: header)]).code == .limitExceeded)
        }
    }

    @Test("random bytes after a valid start never trap and never play")
    func garbage() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 2)
        let (start, chunks) = try pieces(studio)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let noise = (0..<Int.random(in: 1...400)).map { _ in UInt8.random(in: 0...255, using: &random) }
            try store(start + chunks[0] + noise, studio.folder.file("noise.rec"))
            let reader = try studio.reader("noise.rec")
            #expect(!reader.isComplete && reader.chunkCount == 1)
        }
    }

    @Test("seeking finds the keyframe before a moment and decrypts a few chunks only")
    func seek() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        for second in 0..<400 {
            let time = Int64(second) * 1_000_000
            writer.append(output: Array("<\(second)>".utf8), at: time)
            if second % 10 == 9 {
                writer.append(
                    RecordingKeyframe(
                        time: time, columns: 80, rows: 24, outputOffset: Int64(second),
                        snapshot: Array("screen \(second)".utf8)))
            }
            studio.clock.advance(1_000_000)
            studio.io.turn()
        }
        _ = await studio.close(writer)
        let reader = try studio.reader()
        #expect(reader.chunkCount > 400)
        for second in [0, 5, 9, 10, 123, 399, 5000] {
            let (keyframe, following) = try reader.seek(to: Int64(second) * 1_000_000)
            #expect(keyframe.time <= Int64(second) * 1_000_000)
            #expect(second < 10 || Int64(min(second, 399)) * 1_000_000 - keyframe.time < 11_000_000)
            var events = following
            let first = try events.next()
            let next = keyframe.time == 0 ? 0 : keyframe.outputOffset + 1
            #expect(first.map { outputText([$0]) } == (next == 400 ? nil : "<\(next)>"))
        }
        let start = ContinuousClock.now
        _ = try reader.seek(to: 200_000_000)
        #expect(ContinuousClock.now - start < .milliseconds(500))
    }

    @Test("the header of a recording can be read without its key")
    func headerWithoutKey() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 1)
        let (header, wrapped) = try RecordingReader.header(path: studio.path)
        #expect(header == Studio.header() && wrapped == [1, 2, 3])
    }
}

@Suite struct RecordingRepairTests {
    @Test("a repair appends a mark, changes no byte before it, and is done once")
    func repair() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 4)
        let whole = try contents(studio.path)
        let final = try #require(try studio.reader().chunks.last)
        let cut = Array(whole.prefix(Int(final.offset) + 30))
        let path = studio.folder.file("cut.rec")
        try store(cut, path)
        let repair = try RecordingRepair.repair(path: path, key: studio.key)
        #expect(!repair.isComplete && repair.chunks == 4 && repair.incompleteBytes == 30)
        #expect(repair.duration == 3_000_000)
        let marked = try contents(path)
        #expect(Array(marked.prefix(cut.count)) == cut && marked.count == cut.count + 88)
        let reader = try studio.reader("cut.rec")
        #expect(reader.ending == .truncated(at: final.offset))
        #expect(try allEvents(reader).count == 4)
        #expect(try RecordingRepair.repair(path: path, key: studio.key) == repair)
        #expect(try contents(path) == marked)
    }

    @Test("a chunk taken out of a repaired recording is missed")
    func tailCutAfterRepair() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 4)
        let whole = try contents(studio.path)
        let chunks = try studio.reader().chunks
        let path = studio.folder.file("cut.rec")
        try store(Array(whole.prefix(Int(chunks[4].offset))), path)
        _ = try RecordingRepair.repair(path: path, key: studio.key)
        let marked = try contents(path)
        try store(Array(marked.prefix(Int(chunks[3].offset))) + Array(marked.suffix(88)), path)
        guard case .damaged(let error) = try studio.reader("cut.rec").ending else {
            Issue.record("the cut was not found")
            return
        }
        #expect(error.code == .tailCut)
    }

    @Test("a complete recording needs no repair, and one that is being written refuses it")
    func notNeeded() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        #expect { try RecordingRepair.repair(path: studio.path, key: studio.key) } throws: {
            ($0 as? RecordingError)?.code == .busy
        }
        _ = await studio.close(writer)
        let before = try contents(studio.path)
        #expect(try RecordingRepair.repair(path: studio.path, key: studio.key).isComplete)
        #expect(try contents(studio.path) == before)
    }
}
