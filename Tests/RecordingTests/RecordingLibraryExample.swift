import Foundation
import Recording
import Testing

// The example of the README, letter by letter: `DocumentationTests` compares it.

func record(_ output: FileHandle, into path: String) throws {
    let header = AsciicastHeader(columns: 80, rows: 24, title: "nightly build")
    let recorder = try TerminalRecorder.start(at: path, header: header, options: .init(version: .v3))
    while let bytes = try output.read(upToCount: 4096), !bytes.isEmpty { recorder.output(Array(bytes)) }
    try recorder.stop(exit: .exit(status: 0))
}

@Suite struct RecordingLibraryExample {
    @Test("the README's example of a recording makes a file that a player reads")
    func recordPipe() throws {
        let folder = try TemporaryFolder()
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("built\r\n".utf8))
        try pipe.fileHandleForWriting.close()
        try record(pipe.fileHandleForReading, into: folder.file("build.cast"))
        var cast = try AsciicastReader(path: folder.file("build.cast"))
        #expect(cast.header.title == "nightly build")
        #expect(try cast.next()?.kind == .output(Array("built\r\n".utf8)))
        #expect(try cast.next()?.kind == .exit(0))
    }
}
