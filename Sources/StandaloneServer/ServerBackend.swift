public import LocalProcess
public import NIOCore
public import SSHKeys
public import SSHProtocol

/// Who wants in, before anything is decided.
public struct Visitor: Sendable {
    /// Counts the server's connections.
    public var connection: Int
    /// As the client sent it; neutralise it before showing.
    public var username: String
    /// nil for what did not come over a network.
    public var address: String?
    public var port: Int?
    public var localAddress: String?
    public var localPort: Int?
}

/// Who was let in, to what, and what that may do.
public struct Welcome: Sendable {
    public enum Place: Sendable {
        case account(LocalAccount)
        /// A program instead of a shell; the account is the one that it runs as.
        case application(ServerSettings.Application, LocalAccount)
    }

    public var place: Place
    public var permissions: LoginPermissions
    /// The method's name, such as "publickey".
    public var method: String
    public var identity: PublicIdentity?
    /// Whom the key belongs to, as authorized_keys or the certificate says; for logs and applications.
    public var person: String

    public init(
        _ place: Place, permissions: LoginPermissions, method: String, identity: PublicIdentity? = nil,
        person: String = ""
    ) {
        self.place = place
        self.permissions = permissions
        self.method = method
        self.identity = identity
        self.person = person
    }

    public var account: LocalAccount {
        switch place {
        case .account(let account), .application(_, let account): account
        }
    }
}

/// What a backend says to one attempt to sign in.
public enum SignInAnswer: Sendable {
    case welcome(Welcome)
    /// Why, for the log; the client learns no reason.
    case refused(String)
    case ask(KeyboardQuestions)
}

/// Who may sign in and where events go: what a server asks for, whoever answers. `StandaloneBackend` answers by itself,
/// from files and the accounts of this machine; a copilot's interface is another conformer.
public protocol ServerBackend: Sendable {
    /// Authentication methods that are offered (RFC 4252), such as "publickey".
    var authenticationMethods: [String] { get }
    /// Whether a connection from there is taken in at all. Must answer at once.
    func admits(_ address: SocketAddress?) -> Bool
    /// Why a signature with this key would not be worth the user's while; nil: it would.
    func refusal(of identity: PublicIdentity, _ visitor: Visitor) async -> String?
    func signIn(_ visitor: Visitor, _ request: AuthorizationRequest) async -> SignInAnswer
    /// How a program is started for somebody who was let in.
    func prepare(_ launch: ProcessLaunch, for welcome: Welcome, _ visitor: Visitor) -> ProcessLaunch
    /// Must not block.
    func record(_ event: ServerEvent)
    /// Reads again what may have changed; what stands goes on.
    func reload() async throws(StandaloneServerError)
}

extension ServerBackend {
    /// As it is.
    public func prepare(_ launch: ProcessLaunch, for welcome: Welcome, _ visitor: Visitor) -> ProcessLaunch { launch }
}
