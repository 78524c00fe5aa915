import Foundation
import Terminal
import Testing

@testable import Recording

@Suite struct RecordedScreenTests {
    @Test("the screen of a moment is what was shown then, with and without a keyframe before it")
    func moments() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        writer.append(output: Array("first".utf8), at: 1_000_000)
        writer.append(
            RecordingKeyframe(
                time: 2_000_000, columns: 20, rows: 3, outputOffset: 5, snapshot: Array("kept".utf8)))
        writer.append(output: Array(" more".utf8), at: 3_000_000)
        writer.append(RecordingEvent(time: 4_000_000, kind: .resize(columns: 10, rows: 2)))
        _ = await studio.close(writer)
        let reader = try studio.reader()
        #expect(try reader.screen(at: 500_000).text.first == "")
        #expect(try reader.screen(at: 1_500_000).text.first == "first")
        #expect(try reader.screen(at: 2_500_000).text == ["kept", "", ""])
        #expect(try reader.screen(at: 3_000_000).text.first == "kept more")
        let last = try reader.screen(at: 99_000_000)
        #expect(last.columns == 10 && last.rows == 2)
    }

    @Test("a removed recording has neither its file nor its key, and a live one is not removed")
    func removed() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 2)
        let copy = studio.folder.file("hard-link.rec")
        try FileManager.default.linkItem(atPath: studio.path, toPath: copy)
        try RecordingRemoval.remove(studio.path)
        #expect(!FileManager.default.fileExists(atPath: studio.path))
        #expect(throws: RecordingError.self) { try RecordingReader.header(path: copy) }
        let live = try studio.writer("b.rec")
        let error = #expect(throws: RecordingError.self) { try RecordingRemoval.remove(studio.folder.file("b.rec")) }
        #expect(error?.code == .busy)
        _ = await studio.close(live)
    }
}
