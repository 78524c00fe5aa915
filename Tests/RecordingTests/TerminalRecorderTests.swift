import Foundation
import NIOCore
import Recording
import Synchronization
import Testing

@Suite("Recording a terminal into a file")
struct TerminalRecorderTests {
    private let folder: TemporaryFolder
    private let clock = VirtualClock()

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.file("a.cast") }

    private func start(_ options: TerminalRecorder.Options = .init()) throws -> TerminalRecorder {
        let clock = clock
        let start = clock.now
        return try TerminalRecorder.start(
            at: path, header: AsciicastHeader(columns: 80, rows: 24, title: "demo"), options: options
        ) { clock.now - start }
    }

    private var text: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    @Test("the library's example: start, tell, stop")
    func example() throws {
        let header = AsciicastHeader(columns: 80, rows: 24, title: "demo")
        let recorder = try TerminalRecorder.start(at: path, header: header)
        recorder.output(Array("$ uptime\r\n".utf8))
        recorder.resize(columns: 120, rows: 40)
        try recorder.stop(exit: .exit(status: 0))

        var cast = try AsciicastReader(path: path)
        #expect(cast.header == header)
        #expect(try cast.next()?.kind == .output(Array("$ uptime\r\n".utf8)))
        #expect(try cast.next()?.kind == .resize(columns: 120, rows: 40))
    }

    @Test("events have the time at which they were told")
    func times() throws {
        let recorder = try start()
        recorder.output(ByteBuffer(string: "a"))
        clock.advance(1_500_000)
        recorder.mark("here")
        #expect(try recorder.stop() == 1_500_000)
        #expect(text.hasSuffix("[0.000000, \"o\", \"a\"]\n[1.500000, \"m\", \"here\"]\n"))
    }

    @Test("what is older than a second is in the file")
    func survives() throws {
        let recorder = try start()
        recorder.output(Array("first".utf8))
        clock.advance(1_000_000)
        recorder.flush()
        #expect(text.contains("first"))
        try recorder.stop()
    }

    @Test("only this account may read the file, and none is written over")
    func permissions() throws {
        try start().stop()
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect {
            try start()
        } throws: { error in
            (error as? RecordingError)?.code == .exists
        }
        try start(.init(mayReplace: true)).stop()
    }

    @Test("a password that is typed without echo never reaches the file")
    func password() throws {
        let recorder = try start(.init(recordsInput: true))
        recorder.output(Array("$ ".utf8))
        recorder.input(Array("su\r".utf8))
        recorder.output(Array("su\r\nPassword: ".utf8))
        recorder.input(Array("hunter2\r".utf8))
        recorder.output(Array("\r\n# ".utf8))
        clock.advance(3_000_000)
        try recorder.stop()
        #expect(!text.contains("hunter"))
        #expect(text.contains("hidden input"))
        #expect(text.contains("\"i\", \"su\\r\""))
    }

    @Test("without being asked nothing that is typed is kept")
    func noInput() throws {
        let recorder = try start()
        recorder.input(Array("ls\r".utf8))
        recorder.output(Array("ls\r\n".utf8))
        try recorder.stop()
        #expect(!text.contains("\"i\""))
    }

    @Test("version 3 tells the end")
    func exit() throws {
        let recorder = try start(.init(version: .v3))
        clock.advance(250_000)
        try recorder.stop(exit: .exit(status: 7))
        #expect(text.hasSuffix("[0.250000, \"x\", \"7\"]\n"))
    }

    @Test("what is told after the end is dropped")
    func afterTheEnd() throws {
        let recorder = try start()
        try recorder.stop()
        recorder.output(Array("late".utf8))
        recorder.flush()
        #expect(!text.contains("late"))
    }

    @Test(
        "a disk that is full ends the recording and not the program",
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullDisk() throws {
        #expect {
            try TerminalRecorder.start(
                at: "/dev/full", header: AsciicastHeader(columns: 80, rows: 24), options: .init(mayReplace: true))
        } throws: { error in
            (error as? RecordingError)?.code == .diskFull
        }
        #expect(FileManager.default.fileExists(atPath: "/dev/full"))
    }
}
