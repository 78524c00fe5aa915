import Storage
import Testing

@testable import Gateway

struct CommandPolicyTests {
    private func decide(
        _ command: String, _ mode: AgentMode, allow: [String] = [], deny: [String] = [], sudo: AgentSudo = .ask
    ) throws -> CommandPolicy.Decision {
        var choice = AgentGrant.Choice(hostId: "hst_1", mode: mode)
        (choice.allow, choice.deny, choice.sudo) = (allow, deny, sudo)
        return CommandPolicy(grant: try AgentGrant(choice), allowedTexts: [:], allowedPatterns: [])
            .decide(command, CommandClasses.of(command, at: .channel))
    }

    private func asks(_ decision: CommandPolicy.Decision) -> Bool { if case .ask = decision { true } else { false } }

    private func rule(_ decision: CommandPolicy.Decision) -> String? {
        if case .refuse(let rule, _, _) = decision { rule } else { nil }
    }

    @Test(
        "nothing that writes gets through a read-only grant",
        arguments: [
            "ls $(touch x)", "env sudo id", "find . -delete", "find . -exec sh -c 'touch x' +", "sort -o x y",
            "sort --compress-program=sh x", "git -c core.pager=sh log", "rg --pre sh x", "echo hi > x", "\\sudo id",
            "ls\ntouch x", "ls; touch x", "\"sudo\" id", "l$(echo s)", "awk 'BEGIN{system(\"id\")}'", "sed -i s/a/b/ f",
            "tar --checkpoint-action=exec=id -xf a", "python3 -c 'print(1)'", "bash -c 'rm x'", "cat x | sh",
            "echo `touch x`", "true && rm x", "xargs rm < f", "vim x", "ls &>x", "PATH=. ls", "eval rm x",
        ])
    func readOnly(command: String) throws {
        #expect(try rule(decide(command, .readOnly)) == "read_only")
    }

    @Test(
        "what only reads runs at once in every mode but that of looking on",
        arguments: [
            "ls -l /tmp", "grep sudo /etc/group", "cat /etc/os-release", "df -h", "git status", "ps aux | grep x",
        ])
    func reads(command: String) throws {
        for mode in [AgentMode.readOnly, .supervised, .trusted] { #expect(try decide(command, mode) == .run) }
        #expect(try rule(decide(command, .observe)) == "observe")
    }

    @Test("a variable that changes what a command does is a part of the command")
    func environment() throws {
        for name in ["PATH", "LD_PRELOAD", "BASH_ENV", "GIT_EXTERNAL_DIFF", "PAGER"] {
            let text = try ExecRequest(command: "git diff", environment: [name: "touch x"]).text()
            #expect(text == "export \(name)='touch x'; git diff")
            #expect(try rule(decide(text, .readOnly)) == "read_only", "\(name)")
        }
        #expect(try decide(ExecRequest(command: "ls", environment: ["LC_ALL": "C"]).text(), .readOnly) == .run)
        #expect(throws: GatewayError.self) { try ExecRequest(command: "ls", environment: ["A;id": "x"]).text() }
    }

    @Test("a supervised agent asks before it changes anything, a trusted one before it destroys or becomes root")
    func modes() throws {
        #expect(try asks(decide("touch x", .supervised)))
        #expect(try decide("touch x", .trusted) == .run)
        #expect(try asks(decide("rm -rf build", .trusted)))
        #expect(try asks(decide("sudo id", .trusted)))
        #expect(try rule(decide("sudo id", .trusted, sudo: .never)) == "sudo_never")
    }

    @Test("a pattern lets one command through and nothing behind an operator")
    func patterns() throws {
        #expect(try decide("make test", .supervised, allow: ["make **"]) == .run)
        #expect(try asks(decide("make test; rm x", .supervised, allow: ["make **"])))
        #expect(try asks(decide("make $(rm x)", .supervised, allow: ["make **"])))
        #expect(try asks(decide("make test > /etc/x", .supervised, allow: ["make **"])))
        #expect(try asks(decide("rm -rf build-prod", .supervised, allow: ["rm -rf build"])))
    }

    @Test("what is forbidden is forbidden wherever it stands in a line")
    func deny() throws {
        #expect(try rule(decide("systemctl stop nginx", .trusted, deny: ["systemctl **"])) == "deny")
        #expect(try rule(decide("ls; systemctl stop nginx", .trusted, deny: ["systemctl **"])) == "deny")
        #expect(try rule(decide("nohup systemctl stop nginx", .trusted, deny: ["systemctl **"])) == "deny")
    }

    @Test("a pattern with many stars is matched in bounded time")
    func stars() {
        let pattern = TextPattern(String(repeating: "a*", count: 100) + "b")
        let clock = ContinuousClock()
        let began = clock.now
        #expect(!pattern.matches(String(repeating: "a", count: 20_000)))
        #expect(clock.now - began < .seconds(2))
        #expect(
            TextPattern("a*c").matches("abc") && TextPattern("*").matches("") && !TextPattern("ab*ba").matches("aba"))
    }

    @Test("a grant has limits of its own")
    func limits() {
        var choice = AgentGrant.Choice(hostId: "h")
        choice.durationMinutes = 0
        #expect(throws: GatewayError.self) { try AgentGrant(choice) }
        choice.durationMinutes = 25 * 60
        #expect(throws: GatewayError.self) { try AgentGrant(choice) }
        choice.durationMinutes = 5
        choice.allow = Array(repeating: "x", count: 51)
        #expect(throws: GatewayError.self) { try AgentGrant(choice) }
    }
}
