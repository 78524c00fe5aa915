import Foundation
import SSHKeys
import Testing

@testable import SSHDispatch

/// Keys, and a file of them in a folder of its own.
struct KeyFixture {
    let folder: TemporaryFolder
    let ada: SSHPublicKey
    let bob: SSHPublicKey

    init() throws {
        folder = try TemporaryFolder()
        ada = try SSHPrivateKey.generate(.ed25519).publicKey
        bob = try SSHPrivateKey.generate(.ecdsa(.p256)).publicKey
    }

    func file(_ text: String, mode: Int = 0o644) throws -> KeyFile {
        try folder.write(text, to: "keys", mode: mode)
        return KeyFile(path: folder.file("keys"))
    }

    func line(_ key: SSHPublicKey, _ options: String...) throws -> String? {
        let words = key.authorizedKeysLine().split(separator: " ").map(String.init)
        let arguments = ["builds", "/home/builds"] + words + ["--keys", folder.file("keys")] + options
        return try KeyDispatch(DispatchOptions(arguments), executable: ["/usr/bin/copilot-dispatch"]).line()
    }
}

@Suite struct KeyFileTests {
    @Test("the owner of a key is found among comments, other keys and options of the eye")
    func owner() throws {
        let keys = try KeyFixture()
        let file = try keys.file(
            """
            # ada \(keys.ada.authorizedKeysLine())
            bob   \(keys.bob.authorizedKeysLine())   bob@laptop
            \tada\t\(keys.ada.authorizedKeysLine())
            eve ssh-rsa AAAA \(keys.ada.authorizedKeysLine())
            """)
        #expect(try file.owner(of: keys.ada)?.description == "ada")
        #expect(try file.owner(of: keys.bob)?.description == "bob")
        #expect(try file.owner(of: try SSHPrivateKey.generate(.ed25519).publicKey) == nil)
    }

    @Test("a key whose text goes on is another key, and a file may hold zero bytes")
    func boundaries() throws {
        let keys = try KeyFixture()
        let file = try keys.file("bob \(keys.ada.authorizedKeysLine())AAAA\n\0\nada \(keys.ada.authorizedKeysLine())")
        #expect(try file.owner(of: keys.ada)?.description == "ada")
    }

    @Test("a key of two people opens nothing")
    func twice() throws {
        let keys = try KeyFixture()
        let line = keys.ada.authorizedKeysLine()
        #expect(try keys.file("ada \(line)\nada \(line) again\n").owner(of: keys.ada)?.description == "ada")
        let error = #expect(throws: DispatchError.self) {
            try keys.file("ada \(line)\nbob \(line)\n").owner(of: keys.ada)
        }
        #expect(error?.status == .configuration)
    }

    @Test(
        "a name that could break out of a line opens nothing",
        arguments: [
            "a\"b", "a'b", "a\\b", "-oX", "a;b", "$(id)", "a,b", "ä", "a\u{1}", String(repeating: "a", count: 65),
        ])
    func hostileNames(name: String) throws {
        let keys = try KeyFixture()
        let file = try keys.file("\(name) \(keys.ada.authorizedKeysLine())\n")
        let error = #expect(throws: DispatchError.self) { try file.owner(of: keys.ada) }
        #expect(error?.status == .configuration)
    }

    @Test("a file that others may write is not believed, and one that is not there is a temporary failure")
    func trust() throws {
        let keys = try KeyFixture()
        for mode in [0o664, 0o646] {
            let file = try keys.file("ada \(keys.ada.authorizedKeysLine())\n", mode: mode)
            #expect(#expect(throws: DispatchError.self) { try file.owner(of: keys.ada) }?.status == .configuration)
        }
        let missing = KeyFile(path: keys.folder.file("nothing"))
        #expect(#expect(throws: DispatchError.self) { try missing.owner(of: keys.ada) }?.status == .temporary)
        #expect(throws: DispatchError.self) { try KeyFile(path: keys.folder.path).owner(of: keys.ada) }
    }
}

@Suite struct KeyDispatchTests {
    @Test("a known key gives one line with everything else taken away, and the key encoded anew")
    func known() throws {
        let keys = try KeyFixture()
        _ = try keys.file("ada \(keys.ada.authorizedKeysLine())\n")
        let line = try #require(try keys.line(keys.ada, "--app", "builds=/opt/builds"))
        let command = "/usr/bin/copilot-dispatch run --login builds --user ada --key \(keys.ada.fingerprint)"
        #expect(line == "restrict,pty,command=\"\(command) --app builds=/opt/builds\" \(keys.ada.authorizedKeysLine())")
        let entry = try #require(AuthorizedKeys(text: line).entries.first)
        #expect(entry.key == keys.ada && entry.options.permissions.mayUsePTY)
        #expect(!entry.options.permissions.mayForwardPorts && !entry.options.permissions.mayForwardAgent)
        #expect(entry.options.permissions.forcedCommand == command + " --app builds=/opt/builds")
    }

    @Test("the identity can travel by the environment, and then an unknown key has an empty name there")
    func environment() throws {
        let keys = try KeyFixture()
        _ = try keys.file("ada \(keys.ada.authorizedKeysLine())\n")
        let known = try #require(try keys.line(keys.ada, "--identity-by", "environment", "--login-shell"))
        #expect(known.hasPrefix("restrict,pty,environment=\"COPILOT_USER=ada\",environment=\"COPILOT_KEY=SHA256:"))
        #expect(!known.contains("command="))
        let unknown = try keys.line(keys.bob, "--identity-by=environment", "--unknown-keys=greet")
        #expect(unknown?.contains("environment=\"COPILOT_USER=\"") == true)
        #expect(unknown?.contains("run --login builds --unknown --public-key ecdsa-sha2-nistp256,AAAA") == true)
    }

    @Test("an unknown key gives nothing, or a greeting when that is asked for")
    func unknown() throws {
        let keys = try KeyFixture()
        _ = try keys.file("")
        #expect(try keys.line(keys.ada) == nil)
        #expect(try keys.line(keys.ada, "--unknown-keys", "greet")?.contains(" --unknown ") == true)
    }

    @Test("what the lookup cannot find out is never greeted")
    func failedLookup() throws {
        let keys = try KeyFixture()
        #expect(throws: DispatchError.self) { try keys.line(keys.ada, "--unknown-keys", "greet") }
    }

    @Test(
        "an account, a path or an application that could break out of the line is refused",
        arguments: [
            (["b\"x", "/h"], "--keys=/k"), (["-x", "/h"], "--keys=/k"), (["b\nx", "/h"], "--keys=/k"),
            (["builds", "/h"], "--app=a=/x\"y"), (["builds", "/h"], "--app=a=/x y"),
            (["builds", "/h"], "--applications=/a\nb"),
        ])
    func hostile(words: [String], option: String) throws {
        let keys = try KeyFixture()
        _ = try keys.file("ada \(keys.ada.authorizedKeysLine())\n")
        let key = keys.ada.authorizedKeysLine().split(separator: " ").map(String.init)
        let options = option.hasPrefix("--keys") ? [] : [option]
        #expect(throws: DispatchError.self) {
            try KeyDispatch(
                DispatchOptions(words + key + ["--keys", keys.folder.file("keys")] + options), executable: ["/x"]
            ).line()
        }
    }

    @Test(
        "what is no key is refused before anything is looked up",
        arguments: [
            ("ssh-ed25519", ""), ("ssh-ed25519", "AAAA"), ("ssh-rsa", "AAAAC3NzaC1lZDI1NTE5AAAAIA=="), ("", "AAAA"),
            ("ssh-ed25519", "AAAA\" command=\"x"), ("ssh-ed25519\nssh-rsa", "AAAA"), ("restrict", "ssh-ed25519"),
            ("ssh-ed25519-cert-v01@openssh.com", "AAAA"),
        ])
    func noKey(type: String, base64: String) {
        #expect(throws: DispatchError.self) { try OfferedKey(type: type, base64: base64) }
    }

    @Test("options are read in both spellings and an unknown one is wrong use")
    func options() throws {
        let options = try DispatchOptions(["a", "--keys=f", "b", "--app", "x=/y", "--app=z=/w", "--unknown"])
        #expect(options.positional == ["a", "b"] && options.keys == "f" && options.isUnknown)
        #expect(options.applications == ["x=/y", "z=/w"])
        for wrong in [["--nothing", "x"], ["-k"], ["--keys"], ["--unknown-keys", "maybe"], ["--identity-by", ""]] {
            #expect(#expect(throws: DispatchError.self) { try DispatchOptions(wrong) }?.status == .usage)
        }
        for places in [[], ["--keys=f", "--socket=s"]] {
            #expect(throws: DispatchError.self) { try KeyDispatch(DispatchOptions(places), executable: []) }
        }
    }
}

@Suite struct ForcedCommandTests {
    private func start(
        _ options: [String], _ environment: [String: String]
    ) throws(DispatchError) -> ForcedCommand.Start {
        try ForcedCommand(options: DispatchOptions(["run"] + options), environment: environment).start()
    }

    @Test("the application of the account gets the client's words behind its own")
    func own() throws {
        let start = try start(
            ["--login", "builds", "--user", "ada", "--key", "SHA256:x", "--app", "builds=/opt/builds"],
            ["SSH_ORIGINAL_COMMAND": "tail 'a b' --service evil", "COPILOT_USER": "eve", "HOME": "/h"])
        #expect(start.words == ["/opt/builds", "tail", "a b", "--service", "evil"])
        #expect(
            start.environment == [
                "COPILOT_USER": "ada", "COPILOT_KEY": "SHA256:x", "COPILOT_LOGIN": "builds", "COPILOT_WORDS": "4",
                "HOME": "/h",
            ])
    }

    @Test("for another account the first word chooses, and none or a wrong one is wrong use")
    func chosen() throws {
        let options = ["--login", "apps", "--user", "ada", "--app", "builds=/b", "--app", "hello=/h"]
        #expect(try start(options, ["SSH_ORIGINAL_COMMAND": "hello say x"]).words == ["/h", "say", "x"])
        for command in [nil, "", "nothing", "'"] {
            let environment = command.map { ["SSH_ORIGINAL_COMMAND": $0] } ?? [:]
            #expect(#expect(throws: DispatchError.self) { try start(options, environment) }?.status == .usage)
        }
    }

    @Test("a file names programs with words of their own, and a wrong line is the administrator's fault")
    func file() throws {
        let folder = try TemporaryFolder()
        try folder.write("# x\n\nbuilds /opt/b --service 'http://a b'\n", to: "apps", mode: 0o644)
        let options = ["--login", "builds", "--user", "ada", "--applications", folder.file("apps")]
        #expect(try start(options, ["SSH_ORIGINAL_COMMAND": "x"]).words == ["/opt/b", "--service", "http://a b", "x"])
        for text in ["builds opt/b", "builds", "b\"s /x", "'", "a /x\na /y"] {
            try folder.write(text, to: "apps", mode: 0o644)
            #expect(#expect(throws: DispatchError.self) { try start(options, [:]) }?.status == .configuration)
        }
    }

    @Test("an unknown key is told its own line, and nothing runs")
    func stranger() throws {
        let key = try SSHPrivateKey.generate(.ed25519).publicKey
        let shown = key.authorizedKeysLine().split(separator: " ").joined(separator: ",")
        let options = ["--login", "builds", "--unknown", "--public-key", shown, "--app", "builds=/b"]
        let error = #expect(throws: DispatchError.self) { try start(options, ["COPILOT_USER": "ada"]) }
        #expect(error?.status == .refused && error?.hint.contains(key.authorizedKeysLine()) == true)
        #expect(#expect(throws: DispatchError.self) { try start(["--app", "b=/b"], [:]) }?.status == .refused)
        #expect(throws: DispatchError.self) { try start(["--app", "b=/b"], ["COPILOT_USER": "a b"]) }
    }
}

@Suite struct LookupExchangeTests {
    @Test("questions and answers survive the way, and nothing else is one")
    func exchange() throws {
        let key = try SSHPrivateKey.generate(.ed25519).publicKey
        #expect(LookupExchange.key(LookupExchange.question(key)) == key)
        for wrong in ["", "x", "copilot-lookup-1", "copilot-lookup-1 ssh-ed25519 AAAA", "copilot-lookup-1  x y"] {
            #expect(LookupExchange.key(wrong) == nil)
        }
        let name = try #require(PersonName("ada"))
        for answer in [LookupExchange.Answer.known(name), .unknown, .failed] {
            #expect(LookupExchange.Answer(line: answer.line) == answer)
        }
        for wrong in ["", "known", "known ", "known a b", "known -x", "maybe"] {
            #expect(LookupExchange.Answer(line: wrong) == nil)
        }
    }
}
