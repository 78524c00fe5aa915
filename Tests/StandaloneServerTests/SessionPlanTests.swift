import LocalProcess
import SSHKeys
import SSHProtocol
import Testing

@testable import SSH
@testable import StandaloneServer

struct SessionPlanTests {
    private static let account = LocalAccount(
        name: "ada", userID: 4321, groupID: 4321, groups: [4321], home: "/home/ada", shell: "/bin/bash")

    private func visit(
        _ permissions: LoginPermissions = .all, application: ServerSettings.Application? = nil,
        identity: PublicIdentity? = nil, person: String = ""
    ) -> Visit {
        let place: Welcome.Place =
            application.map { .application($0, Self.account) } ?? .account(Self.account)
        return Visit(
            visitor: Visitor(
                connection: 1, username: "guest", address: "10.0.0.9", port: 4000, localAddress: "10.0.0.1",
                localPort: 22),
            welcome: Welcome(
                place, permissions: permissions, method: "publickey", identity: identity, person: person))
    }

    private func plan(
        _ program: SSHServerProgram, _ visit: Visit, _ settings: ServerSettings = ServerSettings(),
        terminal: SSHServerTerminal? = nil, environment: [String: String] = [:]
    ) -> SessionPlan {
        var info = SSHServerSessionInfo(user: AuthenticatedUser(username: "guest", methods: []), program: program)
        info.terminal = terminal
        info.environment = environment
        return SessionPlan(visit, info, settings)
    }

    private func launch(_ plan: SessionPlan) throws -> ProcessLaunch {
        guard case .program(let launch) = plan else { throw NoProgram() }
        return launch
    }

    private struct NoProgram: Error {}

    private func isRefused(_ plan: SessionPlan) -> Bool {
        if case .refused = plan { return true }
        return false
    }

    @Test("A shell is a login shell in the account's home, with the terminal that was asked for")
    func shell() throws {
        let terminal = SSHServerTerminal(type: "xterm", columns: 100, rows: 30)
        let launch = try launch(plan(.shell, visit(), terminal: terminal))
        #expect(launch.executable == "/bin/bash" && launch.arguments == ["-bash"])
        #expect(launch.folder == "/home/ada" && launch.account == Self.account)
        #expect(launch.terminal?.size == PseudoTerminal.Size(columns: 100, rows: 30))
        #expect(launch.environment["TERM"] == "xterm")
    }

    @Test("A command is the shell's, byte by byte")
    func command() throws {
        let bytes: [UInt8] = Array("echo ".utf8) + [0xe9]
        let launch = try launch(plan(.exec(bytes), visit()))
        #expect(launch.argumentBytes == [Array("bash".utf8), Array("-c".utf8), bytes])
        #expect(isRefused(plan(.exec([65, 0, 66]), visit())))
    }

    @Test("A forced command runs instead of whatever was asked for, which it finds in its environment")
    func forced() throws {
        var permissions = LoginPermissions.all
        permissions.forcedCommand = "backup"
        let asked: [(SSHServerProgram, String?)] = [
            (.exec(Array("rm".utf8)), "rm"), (.shell, nil), (.subsystem("sftp"), "internal-sftp"),
            (.subsystem("other"), "other"),
        ]
        for (program, original) in asked {
            let launch = try launch(plan(program, visit(permissions)))
            #expect(launch.arguments == ["bash", "-c", "backup"])
            #expect(launch.environment["SSH_ORIGINAL_COMMAND"] == original)
        }
    }

    @Test("A key that is for files alone gets files, and nothing else")
    func filesAlone() {
        var permissions = LoginPermissions.all
        permissions.forcedCommand = "internal-sftp -R"
        #expect(isRefused(plan(.shell, visit(permissions))))
        #expect(isRefused(plan(.exec(Array("ls".utf8)), visit(permissions))))
        #expect(!isRefused(plan(.subsystem("sftp"), visit(permissions))))
    }

    @Test("Options of such a key that are not served keep it out, so that none that restricts is passed over")
    func filesWithOptions() {
        var permissions = LoginPermissions.all
        permissions.forcedCommand = "internal-sftp -p open,read"
        #expect(isRefused(plan(.subsystem("sftp"), visit(permissions))))
    }

    @Test("Without programs there are files and nothing else, scp's among them")
    func noPrograms() throws {
        var settings = ServerSettings()
        settings.refusesPrograms = true
        #expect(isRefused(plan(.shell, visit(), settings)))
        #expect(isRefused(plan(.exec(Array("ls".utf8)), visit(), settings)))
        #expect(isRefused(plan(.exec(Array("scp -t x; ls".utf8)), visit(), settings)))
        var permissions = LoginPermissions.all
        permissions.forcedCommand = "backup"
        #expect(isRefused(plan(.shell, visit(permissions), settings)))
        let launch = try launch(plan(.exec(Array("scp -t x".utf8)), visit(), settings))
        #expect(launch.executable == SessionPlan.ourselves)
        #expect(launch.arguments.prefix(4) == ["copilot", "sftp-server", "--scp", "scp -t x"])
    }

    @Test("The environment is the account's; the client and the key add to it and change nothing of it")
    func environment() throws {
        var permissions = LoginPermissions.all
        permissions.environment = [.init(name: "TEAM", value: "blue"), .init(name: "LD_PRELOAD", value: "/tmp/x.so")]
        let launch = try launch(
            plan(.shell, visit(permissions), environment: ["LANG": "C.UTF-8", "HOME": "/tmp", "USER": "root"]))
        #expect(launch.environment["HOME"] == "/home/ada" && launch.environment["USER"] == "ada")
        #expect(launch.environment["LANG"] == "C.UTF-8" && launch.environment["TEAM"] == "blue")
        #expect(launch.environment["LD_PRELOAD"] == nil)
        #expect(launch.environment["SSH_CONNECTION"] == "10.0.0.9 4000 10.0.0.1 22")
        #expect(launch.environment["SSH_CLIENT"] == "10.0.0.9 4000 22")
    }

    @Test("An application gets its visitor's identity from the key, whatever the client says")
    func application() throws {
        let key = SSHPrivateKey.generateEd25519().publicKey
        let application = ServerSettings.Application(name: "builds", program: "exec builds --quick")
        let visit = visit(application: application, identity: .key(key), person: "ada")
        let launch = try launch(
            plan(.exec(Array("tail 7".utf8)), visit, environment: ["COPILOT_APP_USER": "root"]))
        #expect(launch.executable == "/bin/sh" && launch.arguments == ["sh", "-c", "exec builds --quick"])
        #expect(launch.environment["COPILOT_APP_USER"] == "ada")
        #expect(launch.environment["COPILOT_APP_KEY"] == key.fingerprint)
        #expect(launch.environment["SSH_ORIGINAL_COMMAND"] == "tail 7")
        #expect(isRefused(plan(.subsystem("sftp"), visit)))
    }
}

struct ForwardRulesTests {
    private static let account = LocalAccount(
        name: "ada", userID: 4321, groupID: 4321, groups: [4321], home: "/home/ada", shell: "/bin/bash")

    @Test("permitopen names the only targets, and a unix socket is none of them")
    func open() throws {
        let all = LoginPermissions.all
        let some = try KeyOptions(field: "permitopen=\"db:5432\"").permissions
        #expect(ForwardRules.mayOpen(.tcp(host: "any", port: 1), all))
        #expect(ForwardRules.mayOpen(.unix(path: "/run/x"), all))
        #expect(ForwardRules.mayOpen(.tcp(host: "db", port: 5432), some))
        #expect(!ForwardRules.mayOpen(.tcp(host: "db", port: 5433), some))
        #expect(!ForwardRules.mayOpen(.unix(path: "/run/x"), some))
    }

    @Test("permitlisten names the only ports, and those below 1024 are root's")
    func listen() throws {
        let all = LoginPermissions.all
        let some = try KeyOptions(field: "permitlisten=\"8080\"").permissions
        var root = Self.account
        root.userID = 0
        #expect(ForwardRules.mayListen(.tcp(host: "", port: 0), all, Self.account))
        #expect(!ForwardRules.mayListen(.tcp(host: "", port: 80), all, Self.account))
        #expect(ForwardRules.mayListen(.tcp(host: "", port: 80), all, root))
        #expect(ForwardRules.mayListen(.tcp(host: "localhost", port: 8080), some, Self.account))
        #expect(!ForwardRules.mayListen(.tcp(host: "localhost", port: 8081), some, Self.account))
        #expect(!ForwardRules.mayListen(.unix(path: "/tmp/x"), some, Self.account))
    }
}
