import NIOCore
import NIOPosix
public import SSH

/// Who may come to applications on a server of ours: people by their registered keys, and perhaps others as far as a
/// greeting. The same rules as those of `copilot dispatch`.
///
/// ```swift
/// let door = ApplicationDoor(keys: KeyFile(path: "/etc/copilot/keys"))
/// let server = try await SSHServer.start(
///     on: .tcp(host: "127.0.0.1", port: 2222), configuration: configuration,
///     handlers: door.handlers(serving: router, name: "apps"))
/// ```
public struct ApplicationDoor: Sendable {
    public enum UnknownKeys: String, Sendable {
        case refuse
        /// Let in, with no person in their identity: the application says what they can do.
        case greet
    }

    private let keys: any KeyLookup
    private let unknownKeys: UnknownKeys

    public init(keys: any KeyLookup, unknownKeys: UnknownKeys = .refuse) {
        self.keys = keys
        self.unknownKeys = unknownKeys
    }

    /// Handlers that let people in by this door and lead them to one application. Nothing else is allowed: no forwarding,
    /// no agent, no display.
    public func handlers(serving application: any SSHApplication, name: String) -> SSHServerHandlers {
        let door = self
        var handlers = SSHServerHandlers { request, _ in
            // Certificates are left out: this door knows keys, and no authority.
            guard case .publicKey(.key(let key), _, _) = request.method else { return .refuse }
            // Who cannot be looked up is not unknown: no answer but no.
            do throws(DispatchError) {
                return try await door.owner(of: key) != nil || door.unknownKeys == .greet ? .accept : .refuse
            } catch {
                return .refuse
            }
        }
        handlers.serve(application, name: name) { session in
            var identity = ApplicationIdentity(session)
            if let key = identity.key {
                do throws(DispatchError) {
                    identity.person = try await door.owner(of: key)?.description
                } catch {
                    throw ApplicationFailure(error)
                }
            }
            return identity
        }
        return handlers
    }

    /// Looked up on a thread that may wait.
    private func owner(of key: SSHPublicKey) async throws(DispatchError) -> PersonName? {
        let keys = keys
        do {
            return try await NIOThreadPool.singleton.runIfActive { try keys.owner(of: key) }
        } catch let error as DispatchError {
            throw error
        } catch {
            throw DispatchError(.temporary, "Keys cannot be looked up at the moment.", hint: "Try again later.")
        }
    }
}
