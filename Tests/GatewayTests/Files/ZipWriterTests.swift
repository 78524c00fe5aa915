import Foundation
import NIOCore
import SFTP
import TestSupport
import Testing

@testable import Gateway

@Suite("Zip archives that are written as they are sent")
struct ZipWriterTests {
    private static let contents = """
        import sys,zipfile,hashlib
        z=zipfile.ZipFile(sys.argv[1])
        assert z.testzip() is None
        for i in z.infolist(): print(i.filename, i.file_size, oct(i.external_attr>>16), i.date_time[:5])
        """

    @Test("another program reads names, sizes, modes and times, also where 64-bit fields stand")
    func readByOthers() throws {
        let folder = try TemporaryFolder()
        var zip = ZipWriter()
        var bytes = ByteBuffer()
        let text = ByteBuffer(string: String(repeating: "line of text\n", count: 50_000))
        bytes.writeImmutableBuffer(zip.folder(Array("d".utf8), modified: 1_700_000_000, mode: 0o755))
        for (name, limit) in [("d/small.txt", UInt64(650_000)), ("d/large ü.txt", 1 << 40)] {
            bytes.writeImmutableBuffer(
                zip.begin(Array(name.utf8), modified: 1_700_000_000, mode: 0o640, atMost: limit))
            bytes.writeImmutableBuffer(zip.add(text))
            bytes.writeImmutableBuffer(zip.add(ByteBuffer(string: "end")))
            bytes.writeImmutableBuffer(zip.end())
        }
        bytes.writeImmutableBuffer(zip.begin(Array("empty".utf8), modified: 0, mode: 0o600, atMost: 0))
        bytes.writeImmutableBuffer(zip.end())
        bytes.writeImmutableBuffer(zip.finish())
        try Data(bytes.readableBytesView).write(to: URL(fileURLWithPath: folder.file("a.zip")))
        let shown = try Zip.python(Self.contents, [folder.file("a.zip")]).split(separator: "\n").map(String.init)
        #expect(
            shown == [
                "d/ 0 0o40755 (2023, 11, 14, 22, 13)", "d/small.txt 650003 0o100640 (2023, 11, 14, 22, 13)",
                "d/large ü.txt 650003 0o100640 (2023, 11, 14, 22, 13)", "empty 0 0o100600 (1980, 1, 1, 0, 0)",
            ])
    }

    @Test(
        "more files than 16 bits count",
        .enabled(if: ProcessInfo.processInfo.environment["COPILOT_FULL_TESTS"] != nil))
    func manyFiles() throws {
        let folder = try TemporaryFolder()
        var zip = ZipWriter()
        var bytes = ByteBuffer()
        for number in 0..<70_000 {
            bytes.writeImmutableBuffer(zip.folder(Array("f\(number)".utf8), modified: 0, mode: 0o755))
        }
        bytes.writeImmutableBuffer(zip.finish())
        try Data(bytes.readableBytesView).write(to: URL(fileURLWithPath: folder.file("a.zip")))
        let count = "import sys,zipfile\nprint(len(zipfile.ZipFile(sys.argv[1]).namelist()))"
        #expect(try Zip.python(count, [folder.file("a.zip")]) == "70000\n")
    }

    @Test(
        "a name in an archive is one name on every system",
        arguments: [
            ("a.txt", "a.txt"), ("..\\..\\evil", ".._.._evil"), ("C:evil", "C_evil"), ("a\nb\u{202E}c", "a_b_c"),
            ("...", "_"), ("name. ", "name"), ("<b>", "_b_"),
        ])
    func names(name: String, safe: String) {
        #expect(String(decoding: ArchiveName.safe(Array(name.utf8)), as: UTF8.self) == safe)
    }

    @Test("two names that become one are kept apart, and bytes that are no text stay different")
    func different() {
        var used: Set<[UInt8]> = []
        let names = ["a?", "a*", "a_"].map { ArchiveName.unique(RemotePath($0), among: &used) }
        #expect(Set(names).count == 3)
        #expect(ArchiveName.safe([0xFF]) != ArchiveName.safe([0xFE]))
        #expect(ArchiveName.safe([UInt8](repeating: 0xFF, count: 255)).count <= 255)
    }
}
