import Foundation
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct StopLadderTests {
    private static let name = "cmd_abcdefghij2345672345"

    @Test(
        "only a command's own name makes a script", arguments: ["", "cmd_", "cmd_abc", "cmd_abcdefghij234567234$", "x"])
    func names(name: String) {
        #expect(StopLadder.script(name: name) == nil)
    }

    @Test("with nothing of that name it signals nothing and says so")
    func nothing() throws {
        let (printed, killed) = try dryRun(processes: "0 1 Ss /sbin/init\n 10 10 Ss sshd\n 10 11 S cmd_other")
        #expect(printed == "gone" && killed == "")
    }

    @Test("it signals the session of the named process and no other")
    func session() throws {
        let (printed, killed) = try dryRun(
            processes: """
                0 1 Ss /sbin/init
                10 10 Ss bash
                20 20 Ss sh -c sleep 9 \(Self.name)
                20 21 S sleep 9
                20 22 Z sleep
                30 30 S echo \(Self.name) more
                """)
        #expect(printed == "left 20 21")
        #expect(killed == "-INT 20 21\n-TERM 20 21\n-KILL 20 21")
    }

    @Test("the system's own session is never signalled, whatever runs there", arguments: ["0", "1", "x", "-5"])
    func system(session: String) throws {
        let (printed, killed) = try dryRun(processes: "\(session) 20 S sh -c x \(Self.name)\n\(session) 1 S init")
        #expect(printed == "" && killed == "")
    }

    @Test("the script does not find itself")
    func itself() throws {
        let script = try #require(StopLadder.script(name: Self.name))
        #expect(!script.contains(Self.name))
        let line = try ShellQuoting.commandLine(script, name: "stop")
        #expect(!line.contains(Self.name))
    }

    /// Runs the script with a list of processes of ours and a `kill` that only writes down.
    private func dryRun(processes: String) throws -> (printed: String, killed: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = try #require(StopLadder.script(name: Self.name))
        let rehearsal = """
            ps() { cat <<'END'
            \(processes)
            END
            }
            sleep() { :; }
            kill() { echo "$*" >> killed; }
            \(script)
            """
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", rehearsal]
        process.currentDirectoryURL = folder
        process.standardOutput = pipe
        try process.run()
        let printed = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let killed = (try? String(contentsOf: folder.appendingPathComponent("killed"), encoding: .utf8)) ?? ""
        return (
            printed.trimmingCharacters(in: .whitespacesAndNewlines),
            killed.trimmingCharacters(in: .whitespacesAndNewlines)
        )
    }
}
