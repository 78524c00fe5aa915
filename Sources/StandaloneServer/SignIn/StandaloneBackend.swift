public import LocalProcess
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
public import SSHKeys
public import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Decides by itself: by the network wall, the user map, files of keys and passwords, and the accounts of this machine.
public final class StandaloneBackend: ServerBackend {
    /// What is read from files, all at once.
    private struct Sources: Sendable {
        var keys: KeySources
        var passwords: PasswordFile?
    }

    private let settings: ServerSettings
    private let wall: NetworkWall
    private let users: UserMap
    private let own: LocalAccount?
    private let sources: NIOLockedValueBox<Sources>
    private let log: EventLog
    /// nil: this server does not use PAM.
    private let pam: PAMService?

    /// - Throws: `invalid_settings`, `unusable_file`.
    public init(_ settings: ServerSettings, log: EventLog) throws(StandaloneServerError) {
        let isRoot = geteuid() == 0
        try settings.check(isRoot: isRoot)
        self.settings = settings
        self.log = log
        wall = try settings.wall
        own = isRoot ? nil : LocalAccount.current()
        users = UserMap(settings.userMap, defaultUser: settings.defaultUser, own: own?.name)
        sources = NIOLockedValueBox(try Self.read(settings))
        pam = isRoot && !settings.ignoresPAM ? PAMService.find() : nil
        try checkAccounts()
    }

    private static func read(_ settings: ServerSettings) throws(StandaloneServerError) -> Sources {
        var passwords: PasswordFile?
        if let path = settings.passwordFile { passwords = try PasswordFile(path: path) }
        return Sources(
            keys: try KeySources(files: settings.authorizedKeys, authorities: settings.trustedAuthorities),
            passwords: passwords)
    }

    /// A server that acts for one account cannot serve another, and says so before anybody comes.
    private func checkAccounts() throws(StandaloneServerError) {
        for name in users.namedAccounts {
            guard let account = LocalAccount.named(name) else {
                throw .settings(
                    "There is no account \(name) on this machine.", hint: "Check --user-map and --default-user.")
            }
            if let own, account.userID != own.userID {
                throw .settings(
                    "This server runs as \(own.name) and cannot act for \(name).",
                    hint: "Start it as root, or map to \(own.name).")
            }
        }
        if own == nil, geteuid() != 0 {
            throw .settings(
                "The account that this server runs as is not in the system's database.", hint: "Add it to /etc/passwd.")
        }
    }

    public var authenticationMethods: [String] {
        if settings.insecureNoAuthentication { return ["none", "publickey"] }
        let hasPasswords = sources.withLockedValue { $0.passwords?.isEmpty == false } || pam != nil
        return hasPasswords ? ["publickey", "password", "keyboard-interactive"] : ["publickey"]
    }

    /// What a person should know who starts this.
    public var warnings: [String] {
        var warnings: [String] = []
        switch wall.reach {
        case .everywhere:
            warnings.append("Every network is let in to sign in (--permissive). Who gets in is decided by keys alone.")
        case .privateNetworks:
            warnings.append(
                "Only private networks may connect. That is a second wall and no protection by itself: behind a proxy or "
                    + "address translation strangers can look private. Who gets in is decided by keys and passwords.")
        case .loopback: break
        }
        if settings.insecureNoAuthentication {
            warnings.append("Everybody on this machine is let in without a key or password (--insecure-no-auth).")
        }
        if users.isEmpty {
            warnings.append(
                "No name is mapped to an account, so nobody can sign in: give --user-map or --default-user.")
        }
        return warnings
    }

    public func admits(_ address: SocketAddress?) -> Bool { wall.admits(address) }

    public func record(_ event: ServerEvent) { log.write(event) }

    public func reload() async throws(StandaloneServerError) {
        let fresh = try Self.read(settings)
        sources.withLockedValue { $0 = fresh }
    }

    // MARK: Signing in

    public func refusal(of identity: PublicIdentity, _ visitor: Visitor) async -> String? {
        if case .refused(let why) = await decide(visitor, identity, nil) { return why }
        return nil
    }

    public func signIn(_ visitor: Visitor, _ request: AuthorizationRequest) async -> SignInAnswer {
        switch request.method {
        case .none:
            guard settings.insecureNoAuthentication else { return .refused("no authentication") }
            guard case .some(let place) = await place(of: visitor.username) else { return .refused(Self.unknown) }
            return .welcome(Welcome(place, permissions: .all, method: "none"))
        case .publicKey(let identity, _, let details):
            return await decide(
                visitor, identity, details ?? SignatureDetails(userPresent: false, userVerified: false, counter: 0))
        case .password(let password):
            return await decide(visitor, password: password, method: "password")
        case .keyboardInteractive:
            return .ask(KeyboardQuestions(prompts: [.init(text: "Password: ", echoes: false)]))
        case .keyboardResponses(let answers):
            return await decide(visitor, password: Array((answers.first ?? "").utf8), method: "keyboard-interactive")
        case .passwordChange:
            return .refused("passwords are not changed here")
        }
    }

    private static let unknown = "no map and no default names this user"

    /// What stands behind a name of SSH, with its account looked up.
    private func place(of username: String) async -> Welcome.Place? {
        let application = settings.applications.first { $0.name.utf8.elementsEqual(username.utf8) }
        let local = users.local(for: username) ?? (application == nil ? nil : own?.name)
        guard let local else { return nil }
        guard let account = try? await NIOThreadPool.singleton.runIfActive({ LocalAccount.named(local) }) else {
            return nil
        }
        // "Everybody" does not mean root, under whatever name.
        if own == nil, account.userID == 0, !users.names(local, for: username) { return nil }
        // The map may lead to what only root could serve.
        if let own, own.userID != account.userID { return nil }
        return application.map { .application($0, account) } ?? .account(account)
    }

    private func decide(
        _ visitor: Visitor, _ identity: PublicIdentity, _ signature: SignatureDetails?
    ) async -> SignInAnswer {
        guard let place = await place(of: visitor.username) else { return .refused(Self.unknown) }
        let login = KeyLogin(
            identity: identity, username: visitor.username, address: visitor.address,
            now: UInt64(max(time(nil), 0)), signature: signature)
        let keys = sources.withLockedValue { $0.keys }
        let account = place.account
        let answer = try? await NIOThreadPool.singleton.runIfActive { keys.decide(login, for: account) }
        switch answer {
        case .allowed(let permissions, let person)?:
            let welcome = Welcome(
                place, permissions: permissions, method: "publickey", identity: identity, person: person)
            // A probe lets nobody in: the account is looked at when somebody comes.
            return signature == nil ? .welcome(welcome) : await check(welcome, visitor)
        case .unknown?:
            if case .application = place, settings.applicationsTakeAnyKey, identity.certificate == nil {
                return .welcome(Welcome(place, permissions: .visitor, method: "publickey", identity: identity))
            }
            return .refused("the key is not known")
        case .refused(let why)?:
            return .refused(why)
        case nil:
            return .refused("the server is stopping")
        }
    }

    private func decide(_ visitor: Visitor, password: [UInt8], method: String) async -> SignInAnswer {
        let place = await place(of: visitor.username)
        // Root's password is guessed at by everybody: root comes with a key, as sshd has it.
        let mayUsePassword = place.map { $0.account.userID != 0 } ?? false
        if let file = sources.withLockedValue({ $0.passwords }) {
            let isRight = await file.verify(password, of: visitor.username)
            guard isRight, mayUsePassword, let place else { return .refused("wrong password, or unknown user") }
            return await check(Welcome(place, permissions: .all, method: method), visitor)
        }
        guard let pam else { return .refused("passwords are not taken") }
        let name = mayUsePassword ? place?.account.name : nil
        switch await pam.check(name, password: password, from: visitor.address) {
        case .allowed:
            guard let place else { return .refused(Self.unknown) }
            return await check(Welcome(place, permissions: .all, method: method), visitor, pamHasAgreed: true)
        case .refused(let why): return .refused(why)
        }
    }

    /// The account's own rules, last: they are nobody's business who has no key to it.
    private func check(_ welcome: Welcome, _ visitor: Visitor, pamHasAgreed: Bool = false) async -> SignInAnswer {
        let (account, usesPAM) = (welcome.account, pam != nil)
        do {
            let refusal = try await NIOThreadPool.singleton.runIfActive {
                AccountRules.refusal(of: account, usesPAM: usesPAM)
            }
            if let refusal { return .refused(refusal) }
        } catch {
            return .refused("the server is stopping")
        }
        guard let pam, !pamHasAgreed else { return .welcome(welcome) }
        switch await pam.check(account.name, password: nil, from: visitor.address) {
        case .allowed: return .welcome(welcome)
        case .refused(let why): return .refused(why)
        }
    }

    /// Through PAM, where that is used.
    public func prepare(_ launch: ProcessLaunch, for welcome: Welcome, _ visitor: Visitor) -> ProcessLaunch {
        pam?.wrap(launch, welcome.account, from: visitor.address) ?? launch
    }
}

extension Welcome.Place {
    fileprivate var account: LocalAccount {
        switch self {
        case .account(let account), .application(_, let account): account
        }
    }
}

extension LoginPermissions {
    /// Of somebody whom only an application knows: a terminal, and nothing beside it.
    static var visitor: LoginPermissions {
        var permissions = LoginPermissions.none
        permissions.mayUsePTY = true
        return permissions
    }
}
