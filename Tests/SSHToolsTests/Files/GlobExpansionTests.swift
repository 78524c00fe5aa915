import SFTP
import Testing

@testable import SSHTools

/// What patterns mean in folders that a test makes up.
struct GlobExpansionTests {
    private struct MadeUp: FolderNames {
        var folders: [String: [String]]

        func names(in folder: RemotePath) async throws(SFTPError) -> [RemotePath] {
            (folders[String(decoding: folder.bytes, as: UTF8.self)] ?? []).map { RemotePath($0) }
        }

        func exists(_ path: RemotePath) async throws(SFTPError) -> Bool {
            let text = String(decoding: path.bytes, as: UTF8.self)
            return folders[text] != nil
                || folders.contains { folder, names in names.contains { "\(folder)/\($0)" == text } }
        }
    }

    private let tree = MadeUp(folders: [
        ".": ["a.txt", "b.txt", ".hidden", "dir"], "/srv": ["one", "two", "../evil", "a/b", ".."],
        "/srv/one": ["log"], "/srv/two": ["log", "x"],
    ])

    private func expand(_ pattern: String) async throws -> [String] {
        try await tree.expand(Array(pattern.utf8)).map(\.description)
    }

    @Test("a pattern means the names that fit, in order, and hidden ones only when it spells the dot")
    func names() async throws {
        #expect(try await expand("*.txt") == ["a.txt", "b.txt"])
        #expect(try await expand("*") == ["a.txt", "b.txt", "dir"])
        #expect(try await expand(".h*") == [".hidden"])
        #expect(try await expand("[!a]*.txt") == ["b.txt"])
    }

    @Test("a pattern within a path is followed in each folder that fits")
    func folders() async throws {
        #expect(try await expand("/srv/*/log") == ["/srv/one/log", "/srv/two/log"])
        #expect(try await expand("/srv/t*/x") == ["/srv/two/x"])
        #expect(try await expand("/srv/*/nothing").isEmpty)
    }

    @Test("names that would lead elsewhere fit no pattern")
    func hostile() async throws {
        #expect(try await expand("/srv/*") == ["/srv/one", "/srv/two"])
        #expect(try await expand("/srv/.*").isEmpty)
    }

    @Test("without a pattern the path is itself, with backslashes taken out, and nothing is looked for")
    func literal() async throws {
        #expect(try await expand("/no/where\\*") == ["/no/where*"])
    }
}
