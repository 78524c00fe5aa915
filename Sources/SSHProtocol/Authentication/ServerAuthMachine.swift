// The server's side of user authentication: RFC 4252, RFC 4256, and OpenSSH's host-bound public keys.

import NIOCore
import SSHKeys

/// Reads one request after the other, checks what arithmetic can check, and asks the owner about the rest. A user who
/// does not exist takes the very same way: the owner's refusal is the only difference.
struct ServerAuthMachine {
    /// What is to be done next, in this order: messages, then perhaps a question or the end.
    enum Step {
        case send(ByteBuffer)
        /// The owner must answer `answer(_:)`; nothing more is read until then.
        case authorize(AuthorizationRequest)
        /// The owner must answer `answerOffer(_:)`.
        case mayOfferKey(username: String, PublicIdentity)
        /// Send the success: the user is in.
        case authenticated(AuthenticatedUser)
    }

    /// What this connection's signatures are bound to.
    struct Binding {
        var sessionID: [UInt8]
        var hostKey: [UInt8]
    }

    /// What the owner was asked.
    private enum Question {
        case none
        case method(AuthorizationRequest.Method)
        case offer(algorithm: String, blob: [UInt8])
    }

    private let methods: [String]
    private let acceptedAlgorithms: Set<String>
    private let requiresUserPresence: Bool
    private let maximumFailures: Int
    private let maximumRequests: Int

    private var username = ""
    /// What may come next; changes with partial success.
    private var remaining: [String]
    private var completed: [AuthenticatedUser.Method] = []
    private var failures = 0
    private var requests = 0
    private var attempts = 0
    private var hasTriedNone = false
    private var question = Question.none
    /// Questions of keyboard-interactive that are out.
    private var questionsOut: Int?

    init(_ configuration: ServerConfiguration) {
        methods = configuration.authenticationMethods
        remaining = methods
        acceptedAlgorithms = Set(configuration.acceptedUserKeyAlgorithms)
        requiresUserPresence = configuration.requiresUserPresence
        maximumFailures = max(1, configuration.maximumAuthenticationFailures)
        maximumRequests = max(1, configuration.maximumAuthenticationRequests)
    }

    /// Whether an INFO_RESPONSE may come.
    var awaitsResponse: Bool { questionsOut != nil }

    /// Nobody has asked for anything yet: the banner is due before the first answer.
    var isFirst: Bool { requests == 0 }

    // MARK: Requests

    /// Counts what costs us work and may be sent for ever.
    mutating func count() throws(ProtocolError) {
        requests += 1
        guard requests <= maximumRequests else {
            throw ProtocolError(
                .limitExceeded, "The host asked to be let in more than \(maximumRequests) times.",
                reason: .noMoreAuthenticationMethods)
        }
    }

    /// USERAUTH_REQUEST.
    mutating func receive(_ payload: ByteBuffer, _ binding: Binding) throws(ProtocolError) -> Step {
        try count()
        // RFC 4252 §5.1: a new request abandons the one in progress.
        questionsOut = nil
        question = .none
        var request = try ReceivedAuthRequest(payload)
        guard request.service == ServiceName.connection else {
            throw ProtocolError(
                .unexpectedMessage,
                "The host asked for the service "
                    + "\(DisplayText.neutralise(request.service, limit: 64)), which there is not.",
                reason: .serviceNotAvailable)
        }
        change(user: request.username)
        attempts += 1
        switch request.method {
        case "none":
            try request.end()
            return .authorize(ask(.none))
        case "publickey", "publickey-hostbound-v00@openssh.com":
            return try receivePublicKey(try request.publicKey(), binding)
        case "password":
            let method = try request.password()
            return remaining.contains("password") ? .authorize(ask(method)) : try refuse()
        case "keyboard-interactive":
            let method = try request.keyboardInteractive()
            return remaining.contains("keyboard-interactive") ? .authorize(ask(method)) : try refuse()
        default:
            return try refuse()
        }
    }

    /// RFC 4252 §5: what was proved for one user counts for nobody else.
    private mutating func change(user: String) {
        guard user != username else { return }
        username = user
        completed = []
        remaining = methods
    }

    private mutating func ask(_ method: AuthorizationRequest.Method) -> AuthorizationRequest {
        question = .method(method)
        return AuthorizationRequest(
            username: username, service: ServiceName.connection, method: method, completed: completed.map(\.name),
            attempt: attempts)
    }

    // MARK: Public keys

    private mutating func receivePublicKey(
        _ request: ReceivedAuthRequest.PublicKey, _ binding: Binding
    ) throws(ProtocolError) -> Step {
        // The name is checked before the key is parsed: what is not accepted must not reach a parser.
        guard remaining.contains("publickey"), acceptedAlgorithms.contains(request.algorithm),
            request.hostKey == nil || request.hostKey == binding.hostKey,
            let identity = try? PublicIdentity(wire: request.blob), identity.allows(request.algorithm),
            // The same key does not count twice in one chain.
            !completed.contains(where: { $0.identity?.publicKey == identity.publicKey })
        else { return try refuse() }
        guard let signature = request.signature else {
            question = .offer(algorithm: request.algorithm, blob: request.blob)
            return .mayOfferKey(username: username, identity)
        }
        var signed = ByteBuffer()
        signed.writeSSHString(binding.sessionID)
        signed.writeImmutableBuffer(request.signedPart)
        // Each way to fail says the same. SHA-1 comes here only where the configuration names it.
        guard
            let details = try? identity.verifyDetailed(
                signature: signature, over: Array(signed.readableBytesView), algorithm: request.algorithm,
                allowingLegacy: true)
        else { return try refuse() }
        let isHardware = identity.publicKey.isHardwareKey
        if isHardware, requiresUserPresence, !details.userPresent { return try refuse() }
        return .authorize(ask(.publicKey(identity, algorithm: request.algorithm, isHardware ? details : nil)))
    }

    // MARK: Keyboard-interactive

    /// USERAUTH_INFO_RESPONSE.
    mutating func receiveResponse(_ payload: ByteBuffer) throws(ProtocolError) -> Step {
        try count()
        guard let expected = questionsOut else {
            throw .unexpected("The host answered questions that nobody asked.")
        }
        questionsOut = nil
        // RFC 4256 §3.4: another number of answers than of questions is a failure.
        guard let answers = try ReceivedInfoResponse.answers(payload, expected: expected) else { return try refuse() }
        return .authorize(ask(.keyboardResponses(answers)))
    }

    // MARK: Answers of the owner

    /// Whether a key may be offered: PK_OK is a hint, and lets nobody in.
    mutating func answerOffer(_ isAcceptable: Bool) throws(ProtocolError) -> Step {
        guard case .offer(let algorithm, let blob) = question else { throw Self.notAsked }
        question = .none
        guard isAcceptable else { return try refuse() }
        return .send(UserAuthPublicKeyOK(algorithm: algorithm, blob: blob).encoded)
    }

    mutating func answer(_ answer: AuthorizationAnswer) throws(ProtocolError) -> Step {
        guard case .method(let method) = question else { throw Self.notAsked }
        question = .none
        switch (answer, method) {
        case (.accept, _):
            return .authenticated(AuthenticatedUser(username: username, methods: completed + [Self.used(method)]))
        case (.partial(let rest), _) where !rest.isEmpty:
            completed.append(Self.used(method))
            remaining = rest
            return .send(UserAuthFailure(methods: rest, isPartialSuccess: true).encoded)
        case (.ask(let questions), .keyboardInteractive), (.ask(let questions), .keyboardResponses):
            questionsOut = questions.prompts.count
            return .send(UserAuthInfoRequest(questions).encoded)
        case (.changePassword(let prompt), .password), (.changePassword(let prompt), .passwordChange):
            return .send(UserAuthPasswordChange(prompt: prompt).encoded)
        case (.refuse, .none) where !hasTriedNone:
            // The usual way to ask for the list of methods: the first one is no failure.
            hasTriedNone = true
            return .send(failureMessage)
        case (.refuse, _), (.partial, _), (.ask, _), (.changePassword, _):
            return try refuse()
        }
    }

    private static func used(_ method: AuthorizationRequest.Method) -> AuthenticatedUser.Method {
        guard case .publicKey(let identity, _, _) = method else { return .init(name: method.name) }
        return .init(name: method.name, identity: identity)
    }

    private static var notAsked: ProtocolError {
        ProtocolError(.internalFailure, "No request waits for an answer.", reason: .byApplication)
    }

    // MARK: Refusal

    private mutating func refuse() throws(ProtocolError) -> Step {
        failures += 1
        guard failures < maximumFailures else {
            throw ProtocolError(
                .authenticationFailed, "The host failed to authenticate \(failures) times.",
                reason: .noMoreAuthenticationMethods)
        }
        return .send(failureMessage)
    }

    private var failureMessage: ByteBuffer {
        UserAuthFailure(methods: remaining, isPartialSuccess: false).encoded
    }
}
