import Testing

@testable import Recording

@Suite struct RecordingNoteTests {
    private let notes: [RecordingNote] = [
        .chat(author: "ada", text: "look"), .control(from: nil, to: "ada"), .control(from: "ada", to: "bob"),
        .control(from: "bob", to: nil), .control(from: nil, to: nil),
        .file(operation: "upload", path: "/srv/a", size: 3, sha256: "ff", by: "ada"),
        .command(by: "agent", command: "df -h", exitCode: 0), .command(by: "agent", command: "top", exitCode: nil),
        .marker(label: "before the deploy", by: "bob"),
    ]

    @Test("a note comes back from the file as it was, and stands in an asciicast as a marker")
    func stored() async throws {
        let studio = try Studio()
        let writer = try studio.writer()
        for (index, note) in notes.enumerated() {
            writer.append(RecordingEvent(time: Int64(index), kind: note.kind))
        }
        _ = await studio.close(writer)
        #expect(try allEvents(try studio.reader()).map(\.kind) == notes.map(\.kind))
        var bytes: [UInt8] = []
        try Asciicast2.write(try studio.reader()) { bytes += $0 }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst()
        #expect(
            lines.map { $0.drop { $0 != "m" } } == [
                "m\", \"ada: look\"]", "m\", \"ada has the keyboard\"]", "m\", \"bob has the keyboard, from ada\"]",
                "m\", \"bob let go of the keyboard\"]", "m\", \"the keyboard is free\"]",
                "m\", \"ada: upload /srv/a (3 bytes)\"]", "m\", \"agent ran: df -h (exit status 0)\"]",
                "m\", \"agent ran: top\"]", "m\", \"bob: before the deploy\"]",
            ])
    }

    @Test("a control change of an earlier writer, without a name of before, is read")
    func earlier() throws {
        var bytes: [UInt8] = [0, 0, EventCode.controlChange.rawValue, 5, 1, 3]
        bytes += Array("bob".utf8)
        var reader = try SegmentReader(bytes, chunk: 0)
        guard case .event(let event)? = try reader.next() else {
            Issue.record("no event")
            return
        }
        #expect(event.kind == .controlChange(holder: "bob"))
    }
}
