import Foundation
import Testing

@testable import Recording

@Suite struct TtyrecWriterTests {
    private func written(_ events: [RecordingEvent]) -> [UInt8] {
        var writer = TtyrecWriter(Studio.header())
        var bytes: [UInt8] = []
        for event in events { writer.append(event, to: &bytes) }
        writer.finish(to: &bytes)
        return bytes
    }

    /// Holds a file to the format: frames that end exactly where the file ends.
    private func frames(_ bytes: [UInt8]) throws -> [(time: Int64, data: [UInt8])] {
        var frames: [(Int64, [UInt8])] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let numbers = (0..<3).map { index in
                rest.dropFirst(index * 4).prefix(4).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
            }
            #expect(rest.count >= 12 && numbers[1] < 1_000_000)
            let data = rest.dropFirst(12).prefix(Int(numbers[2]))
            #expect(data.count == numbers[2])
            frames.append((numbers[0] * 1_000_000 + numbers[1], Array(data)))
            rest = rest.dropFirst(12 + data.count)
        }
        return frames
    }

    @Test("every byte of the output stands in its frame with its time; a size is asked for as programs do")
    func bytes() throws {
        let noise: [UInt8] = [0, 0x1B, 0xFF, 0xC3, 0x28]
        let found = try frames(
            written([
                RecordingEvent(time: 0, kind: .output(Array("a".utf8))),
                RecordingEvent(time: 1_500_000, kind: .output(noise)),
                RecordingEvent(time: 2_000_000, kind: .resize(columns: 100, rows: 30)),
                RecordingEvent(time: 2_000_001, kind: .input(Array("typed".utf8), actor: "ada")),
            ]))
        #expect(
            found.map(\.data) == [
                Array("\u{1B}[8;24;80t".utf8), Array("a".utf8), noise, Array("\u{1B}[8;30;100t".utf8),
            ])
        #expect(found.map(\.time) == [0, 0, 1_500_000, 2_000_000].map { 1_700_000_000_123_456 + $0 })
    }

    @Test("ttyplay plays it byte for byte", .enabled(if: isInstalled("ttyplay"), "ttyrec is not installed"))
    func ttyplay() async throws {
        let folder = try TemporaryFolder()
        let text = "hello\r\n\u{1B}[1mbold\u{1B}[0m\r\n"
        try store(
            written([
                RecordingEvent(time: 0, kind: .output(Array(text.utf8))),
                RecordingEvent(time: 2_000_000, kind: .output(Array("end\r\n".utf8))),
            ]), folder.file("a.ttyrec"))
        let played = try await run(["ttyplay", "-n", folder.file("a.ttyrec")])
        #expect(played.status == 0 && played.output == "\u{1B}[8;24;80t\(text)end\r\n")
        let seconds = try await run(["ttytime", folder.file("a.ttyrec")])
        #expect(seconds.output.split(separator: "\t").first?.trimmingCharacters(in: .whitespaces) == "2")
    }
}
