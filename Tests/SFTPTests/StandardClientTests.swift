import Foundation
import TestSupport
import Testing

@testable import SFTP

/// OpenSSH's own `sftp` as the client of our server core, over pipes (`sftp -D`).
@Suite(.enabled(if: StandardClient.isPossible, "sftp or the server on pipes is not there"))
struct StandardClientTests {
    @Test("sftp puts, gets, lists, links, renames and removes at our server")
    func session() async throws {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("root"))
        try await TransferTests.makeTree(folder.file("tree"), files: 200)
        try Files.write(Files.noise(20_000_000), to: folder.file("big"))
        let output = try await StandardClient.run(
            """
            put -p \(folder.file("big")) big
            get -p big \(folder.file("back"))
            put -R \(folder.file("tree"))/d1 d1
            get -R d1 \(folder.file("d1"))
            mkdir a
            cd a
            pwd
            put \(folder.file("big")) copy
            ln copy hard
            ln -s copy soft
            rename soft softer
            chmod 600 copy
            ls -la
            rm hard
            df -h
            cp copy copied
            cd ..
            rename big a/moved
            ls a
            -rmdir a
            """, root: folder.file("root"))
        #expect(try Files.read(folder.file("back")) == Files.noise(20_000_000))
        #expect(try Files.read(folder.file("root/a/moved")) == Files.noise(20_000_000))
        #expect(await Files.areSame(folder.file("tree/d1"), folder.file("d1")))
        #expect(output.contains("Remote working directory: /a"))
        #expect(output.contains("-rw-------"))
        #expect(output.contains("softer"))
        #expect(try Files.information(folder.file("root/a/copy")).st_mode & 0o777 == 0o600)
        try await ChildProcess.tool("/bin/chmod", ["-R", "u+w", folder.path])
    }

    @Test("sftp does not get out of the root")
    func rooted() async throws {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("root"))
        try folder.write("secret", to: "secret")
        let output = try await StandardClient.run(
            """
            cd ../../..
            pwd
            -get ../secret \(folder.file("stolen"))
            -get \(folder.file("secret")) \(folder.file("stolen"))
            symlink ../secret link
            -get link \(folder.file("stolen"))
            """, root: folder.file("root"))
        #expect(output.contains("Remote working directory: /\n"))
        #expect(!Files.exists(folder.file("stolen")))
    }

    @Test("a read-only server refuses sftp's changes")
    func readOnly() async throws {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("root"))
        try folder.write("there", to: "root/file")
        let output = try await StandardClient.run(
            """
            get file \(folder.file("got"))
            -put \(folder.file("got")) new
            -rm file
            -mkdir d
            """, root: folder.file("root"), arguments: "read-only")
        #expect(try Files.read(folder.file("got")) == Array("there".utf8))
        #expect(output.contains("ermission denied"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("root")) == ["file"])
    }
}

enum StandardClient {
    /// Built beside the tests.
    static let server = Bundle.main.bundleURL.deletingLastPathComponent().appendingPathComponent("SFTPServerOnPipes")
        .path

    static let program: String = {
        let beside = URL(fileURLWithPath: CommandLine.arguments.first ?? "").deletingLastPathComponent()
            .appendingPathComponent("SFTPServerOnPipes").path
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : server
    }()

    static var isPossible: Bool {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/sftp")
            && FileManager.default.isExecutableFile(atPath: program)
    }

    static func run(_ batch: String, root: String, arguments: String = "") async throws -> String {
        let folder = try TemporaryFolder()
        try folder.write(batch + "\n", to: "batch")
        return try await ChildProcess.tool(
            "/usr/bin/sftp", ["-D", "\(program) \(root) \(arguments)", "-b", folder.file("batch")])
    }
}
