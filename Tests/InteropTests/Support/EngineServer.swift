import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SFTP
import SSH

/// Our server on a free port of loopback: commands run in a shell, SFTP and the old scp are the engine's own, forwards are
/// allowed, and users of every kind are let in.
final class EngineServer: Sendable {
    let server: SSHServer
    private let agreed = NIOLockedValueBox<[String: NegotiatedAlgorithms]>([:])
    private let users = NIOLockedValueBox<[AuthenticatedUser]>([])
    private let faults = NIOLockedValueBox<[String]>([])

    var port: Int { server.port }
    /// Who was let in, in order.
    var authenticated: [AuthenticatedUser] { users.withLockedValue { $0 } }
    /// How connections ended that did not end in order.
    var log: String { faults.withLockedValue { $0.joined(separator: "; ") } }

    /// What a user's connection agreed on first.
    func negotiated(_ user: String) -> NegotiatedAlgorithms? { agreed.withLockedValue { $0[user] } }

    init(
        _ change: (inout SSHServerConfiguration, inout SSHServerHandlers) -> Void = { _, _ in },
        certificates: Bool = false, revoked: KeyRevocationList? = nil
    ) async throws {
        let keys = try await InteropKeys.get()
        let hostKeys = try InteropKeys.kinds.map { kind in
            HostKey(
                privateKey: try keys.privateKey("host_\(kind)"),
                certificate: certificates ? try keys.certificate("signed_host_\(kind)") : nil)
        }
        var configuration = SSHServerConfiguration(hostKeys: hostKeys)
        configuration.core.authenticationMethods = ["publickey", "password", "keyboard-interactive"]
        configuration.core.maximumSessions = 100
        configuration.penalties = nil
        configuration.startups = StartupLimits(start: 100, rate: 30, full: 200, perSource: 200)
        var handlers = SSHServerHandlers(
            authorize: try Self.door(keys, certificates: certificates, revoked: revoked))
        handlers.session = { session in
            if let command = session.command, let transfer = SCPCommand(command) {
                _ = try await transfer.run(ServedSCP(session), fileSystem: try RootedFileSystem(root: "/"))
                return .status(0)
            }
            return try await ShellCommand.run(session)
        }
        let files = try RootedFileSystem(root: "/", home: RemotePath(NSTemporaryDirectory()))
        handlers.serveFiles { _ in files }
        handlers.forwarding = .allowed
        let (agreed, users, faults) = (agreed, users, faults)
        handlers.observe = { event in
            switch event {
            case .authenticated(let connection, let user):
                agreed.withLockedValue { $0[user.username] = connection.negotiated }
                users.withLockedValue { $0.append(user) }
            case .closed(_, let error?): faults.withLockedValue { $0.append("\(error)") }
            case .refused(let why, _): faults.withLockedValue { $0.append("\(why)") }
            default: break
            }
        }
        change(&configuration, &handlers)
        server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0), configuration: configuration, handlers: handlers)
    }

    private static func door(
        _ keys: InteropKeys, certificates: Bool, revoked: KeyRevocationList?
    ) throws -> @Sendable (AuthorizationRequest, SSHServerConnection) async -> AuthorizationAnswer {
        let known = Set(try InteropKeys.kinds.map { try keys.publicKey("user_\($0)") })
        let authority = try keys.publicKey("user_ca")
        return { request, connection in
            switch request.method {
            case .publicKey(.key(let key), _, _): return !certificates && known.contains(key) ? .accept : .refuse
            case .publicKey(.certificate(let certificate), _, _):
                do {
                    try certificate.check(
                        as: .user, principal: request.username, now: UInt64(Date().timeIntervalSince1970),
                        isTrusted: { $0 == authority }, revoked: revoked,
                        sourceAddress: connection.remoteAddress?.ipAddress)
                    return .accept
                } catch {
                    return .refuse
                }
            case .password(let password): return password == Array(PeerServer.password.utf8) ? .accept : .refuse
            case .keyboardInteractive:
                let prompts = PeerServer.answers.indices.map {
                    KeyboardQuestions.Prompt(text: "Question \($0 + 1): ", echoes: false)
                }
                return .ask(KeyboardQuestions(name: "Login", prompts: prompts))
            case .keyboardResponses(let answers): return answers == PeerServer.answers ? .accept : .refuse
            default: return .refuse
            }
        }
    }
}

/// The old protocol of scp on a session.
private struct ServedSCP: SCPStream {
    let session: SSHServerSession

    init(_ session: SSHServerSession) { self.session = session }

    func read() async throws(SFTPError) -> ByteBuffer? {
        do throws(SSHError) { return try await session.read() } catch { throw Self.lost(error) }
    }

    func write(_ data: ByteBuffer) async throws(SFTPError) {
        do throws(SSHError) { try await session.write(data) } catch { throw Self.lost(error) }
    }

    private static func lost(_ error: SSHError) -> SFTPError {
        SFTPError(.connectionLost, error.description, hint: error.hint)
    }
}
