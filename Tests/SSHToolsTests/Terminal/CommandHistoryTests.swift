import Foundation
import Testing

@testable import SSHTools

/// The file of earlier lines.
struct CommandHistoryTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "copilot-history-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test("lines are kept in a file that is this account's alone, without doubles and without what begins with a blank")
    func keeping() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/state/copilot/sftp-history"
        let history = CommandHistory(path: path)
        for line in ["ls", "ls", " secret", "", "get ü"] { history.add(line) }
        #expect(history.lines == ["ls", "get ü"])
        #expect(CommandHistory(path: path).lines == ["ls", "get ü"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("a file that others may read is closed to them, and a link is not followed")
    func permissions() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("ls\n".utf8).write(to: URL(fileURLWithPath: folder + "/h"))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder + "/h")
        #expect(CommandHistory(path: folder + "/h").lines == ["ls"])
        #expect(try FileManager.default.attributesOfItem(atPath: folder + "/h")[.posixPermissions] as? Int == 0o600)
        try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/h")
        #expect(CommandHistory(path: folder + "/link").lines.isEmpty)
    }

    @Test("the file's place follows XDG_STATE_HOME, and then the home")
    func place() {
        #expect(CommandHistory.path("x", environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/copilot/x")
        #expect(CommandHistory.path("x", environment: ["HOME": "/h"]) == "/h/.local/state/copilot/x")
        #expect(CommandHistory.path("x", environment: [:]) == nil)
    }
}
