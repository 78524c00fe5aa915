import Gateway
import NIOCore
import SSH
import SSHKeys
import SSHProtocol

/// Who may come in: people of the copilot, by a registered key or by their password and the code of their second factor,
/// under the limits that hold at every door. Nobody learns from an answer whether a name exists.
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
            let answer = await enter(request, password: String(decoding: bytes, as: UTF8.self), connection)
            // A code can't be asked for here: the other method asks for it alone.
            if case .ask = answer { return .partial(remaining: ["keyboard-interactive"]) }
            return answer
        case .keyboardInteractive:
            return visits.half(of: account(request), connection) == nil ? Self.passwordQuestion : Self.codeQuestion
        case .keyboardResponses(let answers):
            let answer = answers.first ?? ""
            guard let half = visits.half(of: account(request), connection) else {
                return await enter(request, password: answer, connection)
            }
            // Once is enough: whoever mistypes the code begins with the password again.
            visits.forgetHalf(connection)
            return await enter(request, password: half.password, code: answer, connection)
        }
    }

    private static let passwordQuestion = AuthorizationAnswer.ask(
        KeyboardQuestions(prompts: [.init(text: "Password: ", echoes: false)]))
    private static let codeQuestion = AuthorizationAnswer.ask(
        KeyboardQuestions(prompts: [.init(text: "Code of your authenticator app: ", echoes: false)]))

    /// Behind a tunnel the name is the client's guess at an account of the host: the person is known.
    private func account(_ request: AuthorizationRequest) -> String {
        through?.visit.caller.username ?? LoginName(request.username).account
    }

    private func enter(
        _ request: AuthorizationRequest, password: String, code: String? = nil, _ connection: SSHServerConnection
    ) async -> AuthorizationAnswer {
        let account = account(request)
        return await enter(request, connection) { address throws(GatewayError) in
            do throws(GatewayError) {
                return try await people.signInOverSSH(
                    username: account, password: password, code: code, address: address)
            } catch {
                if error.code == "second_factor_required" {
                    visits.remember(HalfSignIn(account: account, password: password), connection)
                }
                throw error
            }
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
            return error.code == "second_factor_required" ? Self.codeQuestion : .refuse
        }
    }
}
