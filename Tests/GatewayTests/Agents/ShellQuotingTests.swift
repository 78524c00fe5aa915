import Foundation
import Testing

@testable import Gateway

struct ShellQuotingTests {
    static let scripts = [
        "printf '%s' \"a'b\"", "printf '%s\\n' 'x y' \"$HOME\" | wc -l", "echo 'one\ntwo'; printf 'ü€😀'",
        "printf '%s' '!! !x %d \\\\ `date` $(id -u)'", "cd / && pwd; exit 7", "cat <<'END'\nfirst $x\n\\second\nEND",
    ]

    @Test("every login shell hands a script to sh unchanged", arguments: scripts)
    func shells(script: String) throws {
        let wanted = try run("/bin/sh", ["-c", script])
        let line = try ShellQuoting.commandLine(script, name: "cmd_test")
        let shells = ["bash", "dash", "sh", "zsh", "fish", "ksh", "mksh", "tcsh", "busybox"]
        for shell in shells {
            guard
                let path = ["/bin/", "/usr/bin/"].map({ $0 + shell }).first(where: FileManager.default.isExecutableFile)
            else { continue }
            let found = try run(path, (shell == "busybox" ? ["sh"] : []) + ["-c", line])
            #expect(found.output == wanted.output && found.status == wanted.status, "\(shell)")
        }
    }

    @Test("a script has its name as $0, by which it is found again")
    func name() throws {
        let line = try ShellQuoting.commandLine("printf '%s' \"$0\"", name: "cmd_abc")
        #expect(try run("/bin/sh", ["-c", line]).output == "cmd_abc")
    }

    @Test("a plain command stays readable")
    func plain() throws {
        #expect(try ShellQuoting.commandLine("uptime -p", name: "cmd_a") == "exec sh -c 'uptime -p' cmd_a")
    }

    @Test("what no command line can carry is refused with what to do instead")
    func refused() {
        #expect(throws: GatewayError.self) { try ShellQuoting.commandLine("a\0b", name: "x") }
        let error = #expect(throws: GatewayError.self) {
            try ShellQuoting.commandLine(String(repeating: "'", count: 30_000), name: "x")
        }
        #expect(error?.code == "command_too_long")
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (output: String, status: Int32) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: data, as: UTF8.self), process.terminationStatus)
    }
}
