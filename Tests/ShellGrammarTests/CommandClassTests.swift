import Testing

@testable import ShellGrammar

struct CommandClassTests {
    @Test(
        "effects are named",
        arguments: [
            ("rm -rf build", [.destructive, .write]), ("touch a", [.write]), ("sudo ls", [.privileged, .read]),
            ("sudo -n -u app cat f", [.privileged, .read]),
            ("sudo rm x", [.privileged, .destructive, .write]), ("doas reboot", [.privileged, .power]),
            ("su -c id", [.privileged, .unknown]),
            ("systemctl restart nginx", [.service]), ("sudo systemctl reboot", [.privileged, .power]),
            ("kill -9 1", [.service]), ("useradd x", [.system]),
            ("cat ~/.ssh/id_rsa", [.secrets, .read]), ("cat /etc/shadow", [.secrets, .read]),
            ("cat < .env", [.secrets, .read]), ("ping h", [.network]),
            ("cat /dev/tcp", [.unknown, .read]), ("mkfs.ext4 /dev/sdb", [.destructive, .system, .unknown]),
            ("ls", [.read]), ("", []),
            ("dd if=a of=/dev/sda", [.read, .write, .destructive]), ("sudo -i", [.privileged, .unknown]),
            ("git push", [.network, .write, .unknown]),
            ("\\sudo id", [.privileged, .read]), ("env sudo id", [.privileged, .read]),
            ("find . -name x -delete", [.read, .destructive]),
            ("foo --bar", [.unknown]), ("echo sudo rm -rf /", [.read]), ("grep sudo f", [.read]),
            ("echo 'a; rm x'", [.read]), ("watch ls", [.interactive, .read]),
        ] as [(String, Set<CommandClass.Effect>)])
    func effects(line: String, expected: Set<CommandClass.Effect>) {
        #expect(ShellGrammar.classify(line, in: .noTerminal).effects == expected)
    }

    @Test("reasons name the program and say why")
    func reasons() {
        let found = ShellGrammar.classify("ls && find . -delete; sudo frob", in: .noTerminal)
        #expect(
            found.reasons.map { "\($0.program ?? "line"): \($0.text)" } == [
                "find: removes the files that it finds (-delete)", "sudo: runs with another account's rights",
                "frob: is not known here",
            ])
        #expect(found.programs == ["ls", "find", "sudo", "frob"])
        #expect(found.worst == .unknown)
    }

    @Test("commands inside of wrappers and substitutions are listed, with unknown words as such")
    func commands() {
        let found = ShellGrammar.classify("env A=1 nice rm -- \"$X\" $(id -u)")
        #expect(found.commands.contains(["rm", "--", nil, nil]))
        #expect(found.commands.contains(["id", "-u"]))
    }

    @Test("lines without end are refused, not followed")
    func limits() {
        let deep = String(repeating: "$(", count: 5000) + "ls" + String(repeating: ")", count: 5000)
        let long = "ls " + String(repeating: "a ", count: 100_000)
        let wrappers = String(repeating: "env ", count: 20_000) + "ls"
        let groups = String(repeating: "{ ", count: 20_000)
        let many = String(repeating: "ls;", count: 20_000)
        let evals = String(repeating: "eval ", count: 20_000) + "ls"
        let backquotes = String(repeating: "`", count: 60_001)
        let finds = String(repeating: "find -exec ", count: 8000) + "ls \\;"
        for line in [deep, long, wrappers, groups, many, evals, backquotes, finds] {
            let start = ContinuousClock.now
            #expect(ShellGrammar.classify(line).effects.contains(.unknown))
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }
}

struct CommandPatternTests {
    @Test(
        "a pattern allows its command and nothing beside it",
        arguments: [
            ("systemctl status *", "systemctl status nginx", true), ("systemctl status *", "systemctl status", false),
            ("systemctl status *", "systemctl status a b", false),
            ("systemctl status *", "systemctl status --user", false),
            ("systemctl status *", "systemctl status nginx; rm x", false),
            ("systemctl status *", "systemctl status $(rm x)", false),
            ("systemctl status *", "systemctl status a > f", false),
            ("systemctl status *", "A=1 systemctl status a", false),
            ("systemctl status *", "systemctl status a*", false), ("kubectl get **", "kubectl get pods web", true),
            ("kubectl get **", "kubectl get", true),
            ("make test", "make test", true), ("make test", "make 'test'", true), ("make test", "make testing", false),
            ("ls -*", "ls -la", true),
            ("tail -n * *", "tail -n 5 f", true), ("a*c", "abbc", true), ("a*c", "abbd", false),
            ("make test", "make test | sh", false),
        ])
    func allows(pattern: String, line: String, expected: Bool) throws {
        #expect(try CommandPattern(pattern).allows(line) == expected)
    }

    @Test(
        "a forbidding pattern finds its command wherever it may be",
        arguments: [
            ("rm **", "ls && sudo rm -rf x", true), ("rm **", "echo rm x", false),
            ("rm **", "find . -exec rm {} +", true), ("rm **", "$X y", true),
            ("rm **", "/bin/rm x", true), ("rm -r*", "rm -rf", true), ("reboot", "sudo reboot", true),
            ("reboot", "echo reboot", false),
        ])
    func forbids(pattern: String, line: String, expected: Bool) throws {
        #expect(try CommandPattern(pattern).mayBeIn(ShellGrammar.classify(line)) == expected)
    }

    @Test("a text that would mean every program is no pattern", arguments: ["", "*", "** x", "a ** b", "  "])
    func unusable(text: String) {
        #expect(throws: CommandPattern.Unusable.self) { try CommandPattern(text) }
    }
}
