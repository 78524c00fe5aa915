import Gateway
import NIOCore
import SSH
import SSHKeys
import SSHProtocol

/// Who may come in: people of the copilot, by a registered key or by their password, under the limits that hold at every
/// door. Nobody learns from an answer whether a name exists.
struct DoorSignIn: Sendable {
    let people: People
    let visits: Visits
    /// The visit through whose tunnel this connection comes, and the host that it is for: only the same person may follow.
    let through: (visit: Visit, host: SessionHost)?

    /// A hint that lets nobody in.
    func knows(_ identity: PublicIdentity, _ connection: SSHServerConnection) async -> Bool {
        guard case .key(let key) = identity else { return false }
        guard let owner = try? await people.owner(of: key), through == nil || through?.visit.caller.userID == owner.id
        else {
            visits.offered(key.fingerprint, connection)
            return false
        }
        return true
    }

    func decide(_ request: AuthorizationRequest, _ connection: SSHServerConnection) async -> AuthorizationAnswer {
        switch request.method {
        case .none, .passwordChange:
            return .refuse
        case .publicKey(let identity, _, _):
            // Certificates are an authority's word, and this door knows no authority for people.
            guard case .key(let key) = identity else { return .refuse }
            return await enter(request, connection) { address throws(GatewayError) in
                try await people.signIn(key: key, of: through?.visit.caller.userID, address: address)
            }
        case .password(let bytes):
            return await enter(request, password: String(decoding: bytes, as: UTF8.self), connection)
        case .keyboardInteractive:
            return .ask(KeyboardQuestions(prompts: [.init(text: "Password: ", echoes: false)]))
        case .keyboardResponses(let answers):
            return await enter(request, password: answers.first ?? "", connection)
        }
    }

    private func enter(
        _ request: AuthorizationRequest, password: String, _ connection: SSHServerConnection
    ) async -> AuthorizationAnswer {
        // Behind a tunnel the name is the client's guess at an account of the host: the person is known.
        let account = through?.visit.caller.username ?? LoginName(request.username).account
        return await enter(request, connection) { address throws(GatewayError) in
            try await people.signInOverSSH(username: account, password: password, address: address)
        }
    }

    private func enter(
        _ request: AuthorizationRequest, _ connection: SSHServerConnection,
        _ prove: (_ address: String) async throws(GatewayError) -> Caller
    ) async -> AuthorizationAnswer {
        let address = connection.remoteAddress?.ipAddress ?? ""
        do throws(GatewayError) {
            let caller = try await prove(address)
            let destination: LoginName.Destination? =
                if let host = through?.host { .host(host.alias) } else {
                    LoginName(request.username).destination(of: caller.username)
                }
            guard let destination, through == nil || through?.visit.caller.userID == caller.userID,
                visits.enter(Visit(connection, caller: caller, destination: destination))
            else {
                await people.connectionEnded(caller)
                return .refuse
            }
            return .accept
        } catch {
            return .refuse
        }
    }
}
