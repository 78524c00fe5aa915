// The client's side of user authentication: RFC 4252, RFC 4256, RFC 8332.

import NIOCore
import SSHKeys

/// Tries one credential after the other, as far as the server offers its method, until it is let in.
struct ClientAuthMachine {
    /// What is to be done after a message of the server.
    enum Step {
        case send(ByteBuffer)
        /// The owner must answer; nothing more is read until then.
        case ask(AuthenticationPrompt)
        case sign(SignatureRequest)
        case changePassword(PasswordChangePrompt)
        case authenticated
    }

    /// What signatures of this connection are bound to.
    struct Binding {
        var sessionID: [UInt8]
        var hostKey: [UInt8]
    }

    /// The request that the server has not decided yet. Message 60 means what it says (RFC 4252 §6).
    private enum Attempt {
        case none
        /// A query is out: would this key do?
        case query(credential: Int, algorithm: String)
        /// The server would take the key; the owner is asked to sign.
        case signing(credential: Int, request: ByteBuffer)
        case publicKey(credential: Int)
        case password(credential: Int)
        /// Nothing is out yet: the owner is asked for the password first.
        case passwordQuestion(credential: Int)
        /// `hasAnswered`: a stored password answers one question and no second one.
        case interactive(credential: Int, hasAnswered: Bool)
    }

    /// Rounds of questions; a server that asks on and on is not going to let anybody in.
    static let maximumRounds = 32

    private let request: UserAuthRequest
    private let credentials: [Credential]
    private var attempt = Attempt.none
    /// Credentials that were refused, or accepted as a part: neither is tried again.
    private var spent: Set<Int> = []
    /// Signature algorithms that were tried with the key in turn.
    private var triedAlgorithms: [Int: Set<String>] = [:]
    /// What the owner answered, for a host that wants the password changed.
    private var askedPasswords: [Int: [UInt8]] = [:]
    private var rounds = 0
    private var questions = 0
    private var accepted: [String] = []
    private let signsFirst: Bool
    /// A key went before "none", which is still to be asked when that key is refused.
    private var owesNone = false
    private let changesExpiredPasswords: Bool
    private let allowsSHA1Signatures: Bool
    /// From EXT_INFO (RFC 8308 §3.1); nil when the server says nothing.
    var serverSignatureAlgorithms: [String]?
    /// From EXT_INFO: the server takes signatures that name its host key.
    var serverSupportsHostbound = false

    init(_ configuration: ClientConfiguration) {
        request = UserAuthRequest(username: configuration.username)
        credentials = configuration.credentials
        signsFirst = configuration.signsFirst
        changesExpiredPasswords = configuration.changesExpiredPasswords
        allowsSHA1Signatures = configuration.allowsSHA1Signatures
    }

    /// Whether the attempt in progress has messages of its own.
    var expectsMethodMessage: Bool {
        switch attempt {
        case .query, .password, .interactive: true
        case .none, .signing, .publicKey, .passwordQuestion: false
        }
    }

    /// The first request: "none" is never a proof, its answer lists the methods (RFC 4252 §5.2). Where a key is likely to do
    /// it goes first: hosts answer a request that fails with a delay.
    mutating func begin(_ binding: Binding) throws(ProtocolError) -> Step {
        attempt = .none
        guard signsFirst, let first = credentials.first, first.privateKey != nil, let identity = first.identity,
            let algorithm = algorithm(for: identity, 0)
        else { return .send(request.none) }
        owesNone = true
        return .send(try offer(first, identity, algorithm, 0, binding))
    }

    // MARK: Answers of the server

    mutating func receiveFailure(_ payload: ByteBuffer, _ binding: Binding) throws(ProtocolError) -> Step {
        let failure = try UserAuthFailure(payload)
        conclude(isAccepted: failure.isPartialSuccess)
        if owesNone {
            owesNone = false
            // A host that needs no proof may refuse one.
            if !failure.isPartialSuccess { return .send(request.none) }
        }
        return try next(failure.methods, binding)
    }

    /// Message 60: PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, as the attempt in progress says.
    mutating func receiveMethodMessage(_ payload: ByteBuffer, _ binding: Binding) throws(ProtocolError) -> Step {
        switch attempt {
        case .interactive(let credential, let hasAnswered):
            return try receiveQuestions(payload, credential: credential, hasAnswered: hasAnswered)
        case .password(let credential):
            let change = try UserAuthPasswordChange(payload)
            guard changesExpiredPasswords else {
                // Changing it is not for an unattended client.
                throw ProtocolError(
                    .authenticationFailed,
                    "The host accepts the password only to have it changed: it has expired.",
                    reason: .noMoreAuthenticationMethods)
            }
            return .changePassword(PasswordChangePrompt(text: change.prompt, credential: credential))
        case .query(let credential, let algorithm):
            return try receiveKeyOK(try UserAuthPublicKeyOK(payload), credential, algorithm, binding)
        case .none, .publicKey, .signing, .passwordQuestion:
            throw .unexpected("The host sent an authentication message that nobody waits for.")
        }
    }

    /// The server would take the key: now it is worth a signature.
    private mutating func receiveKeyOK(
        _ answer: UserAuthPublicKeyOK, _ credential: Int, _ algorithm: String, _ binding: Binding
    ) throws(ProtocolError) -> Step {
        guard credentials.indices.contains(credential), let identity = credentials[credential].identity else {
            throw ProtocolError(.internalFailure, "A key was offered that is not there.", reason: .byApplication)
        }
        // A server that answers about another key would choose what we sign with.
        guard answer.blob == identity.blob, answer.algorithm == algorithm else {
            throw .unexpected("The host accepted a key that it was not asked about.")
        }
        let message = request.publicKey(
            algorithm: algorithm, blob: identity.blob, hostKey: serverSupportsHostbound ? binding.hostKey : nil)
        attempt = .signing(credential: credential, request: message)
        return .sign(
            SignatureRequest(
                identity: identity, data: Self.signedData(message, binding),
                algorithm: identity.signatureFormat(for: algorithm) ?? algorithm, credential: credential))
    }

    /// The owner's signature; nil gives this key up.
    mutating func answerSignature(_ signature: [UInt8]?, _ binding: Binding) throws(ProtocolError) -> Step {
        guard case .signing(let credential, var message) = attempt else { throw Self.notAsked }
        guard let signature else {
            spent.insert(credential)
            attempt = .none
            return try next(offeredMethods, binding)
        }
        message.writeSSHString(signature)
        attempt = .publicKey(credential: credential)
        return .send(message)
    }

    /// The owner's new password; nil gives the password up.
    mutating func answerPasswordChange(_ new: [UInt8]?, _ binding: Binding) throws(ProtocolError) -> Step {
        guard case .password(let credential) = attempt, credentials.indices.contains(credential),
            let old = password(of: credential)
        else { throw Self.notAsked }
        guard let new else {
            spent.insert(credential)
            attempt = .none
            return try next(offeredMethods, binding)
        }
        return .send(request.passwordChange(old: old, new: new))
    }

    /// The owner's answers to the questions of an INFO_REQUEST; nil gives the attempt up.
    mutating func answer(_ answers: [[UInt8]]?, _ binding: Binding) throws(ProtocolError) -> Step {
        if case .passwordQuestion(let credential) = attempt {
            guard let password = answers?.first else {
                spent.insert(credential)
                attempt = .none
                return try next(offeredMethods, binding)
            }
            askedPasswords[credential] = password
            attempt = .password(credential: credential)
            return .send(request.password(password))
        }
        guard case .interactive(let credential, _) = attempt else { throw Self.notAsked }
        guard let answers, answers.count == questions else {
            // RFC 4252 §5.1: a new request abandons the one in progress.
            spent.insert(credential)
            return try next(offeredMethods, binding)
        }
        return .send(UserAuthInfoResponse(answers: answers).encoded)
    }

    private func password(of credential: Int) -> [UInt8]? {
        if case .password(let password) = credentials[credential] { return password }
        return askedPasswords[credential]
    }

    private static var notAsked: ProtocolError {
        ProtocolError(.internalFailure, "No question waits for an answer.", reason: .byApplication)
    }

    /// Methods that the server named last, for the error and for going on after a given-up round.
    private(set) var offeredMethods: [String] = []

    private mutating func receiveQuestions(
        _ payload: ByteBuffer, credential: Int, hasAnswered: Bool
    ) throws(ProtocolError) -> Step {
        let round = try UserAuthInfoRequest(payload)
        rounds += 1
        guard rounds <= Self.maximumRounds else {
            throw ProtocolError(
                .limitExceeded, "The host asked for more than \(Self.maximumRounds) rounds of answers.",
                reason: .noMoreAuthenticationMethods)
        }
        // PAM closes a conversation with a round without questions (RFC 4256 §3.2 allows it anywhere).
        if round.questions.isEmpty { return .send(UserAuthInfoResponse(answers: []).encoded) }
        questions = round.questions.count
        if credentials.indices.contains(credential), case .password(let password) = credentials[credential] {
            guard !hasAnswered, round.questions.count == 1, let question = round.questions.first, !question.echoes
            else {
                // Not a question for the password: an answer would show it, or be wrong.
                return .ask(prompt(round, credential))
            }
            attempt = .interactive(credential: credential, hasAnswered: true)
            return .send(UserAuthInfoResponse(answers: [password]).encoded)
        }
        return .ask(prompt(round, credential))
    }

    private func prompt(_ round: UserAuthInfoRequest, _ credential: Int) -> AuthenticationPrompt {
        AuthenticationPrompt(
            name: round.name, instruction: round.instruction, questions: round.questions, credential: credential)
    }

    // MARK: The next attempt

    private mutating func conclude(isAccepted: Bool) {
        switch attempt {
        case .none, .passwordQuestion:
            break
        case .query(let credential, _), .signing(let credential, _), .publicKey(let credential):
            if isAccepted {
                spent.insert(credential)
                accepted.append("publickey")
            }
        // A refused key may be good with its other signature algorithm; `algorithm(for:)` finds out.
        case .password(let credential):
            spent.insert(credential)
            if isAccepted { accepted.append("password") }
        case .interactive(let credential, _):
            spent.insert(credential)
            if isAccepted { accepted.append("keyboard-interactive") }
        }
        attempt = .none
    }

    private mutating func next(_ offered: [String], _ binding: Binding) throws(ProtocolError) -> Step {
        offeredMethods = offered
        for (index, credential) in credentials.enumerated() where !spent.contains(index) {
            guard let method = credential.methods.first(where: offered.contains) else { continue }
            if let identity = credential.identity {
                guard let algorithm = algorithm(for: identity, index) else {
                    spent.insert(index)
                    continue
                }
                return .send(try offer(credential, identity, algorithm, index, binding))
            }
            if case .password(let password) = credential, method == "password" {
                attempt = .password(credential: index)
                return .send(request.password(password))
            }
            if case .askedPassword = credential {
                attempt = .passwordQuestion(credential: index)
                questions = 1
                return .ask(
                    AuthenticationPrompt(
                        name: "", instruction: "", questions: [.init(text: "", echoes: false)], credential: index))
            }
            attempt = .interactive(credential: index, hasAnswered: false)
            return .send(request.keyboardInteractive)
        }
        throw exhausted(offered)
    }

    /// RFC 8332 §3.3: the best algorithm that the server announced; without an announcement one after the other.
    private mutating func algorithm(for identity: PublicIdentity, _ index: Int) -> String? {
        var candidates = identity.signatureAlgorithms
        if allowsSHA1Signatures, identity.certificate == nil {
            candidates += identity.publicKey.legacySignatureAlgorithms
        }
        if let announced = serverSignatureAlgorithms {
            // Many servers announce a certificate's algorithm by the name that its signature bears.
            let common = candidates.filter {
                announced.contains($0) || announced.contains(identity.signatureFormat(for: $0) ?? $0)
            }
            // A server that leaves out what it knows loses nothing by being asked once.
            candidates = common.isEmpty ? Array(candidates.prefix(1)) : Array(common.prefix(1))
        }
        let tried = triedAlgorithms[index, default: []]
        guard let algorithm = candidates.first(where: { !tried.contains($0) }) else { return nil }
        triedAlgorithms[index] = tried.union([algorithm])
        return algorithm
    }

    /// A key of ours signs at once, which saves a round trip; somebody else's is offered first.
    private mutating func offer(
        _ credential: Credential, _ identity: PublicIdentity, _ algorithm: String, _ index: Int, _ binding: Binding
    ) throws(ProtocolError) -> ByteBuffer {
        guard let key = credential.privateKey else {
            attempt = .query(credential: index, algorithm: algorithm)
            return request.publicKeyQuery(algorithm: algorithm, blob: identity.blob)
        }
        attempt = .publicKey(credential: index)
        var message = request.publicKey(
            algorithm: algorithm, blob: identity.blob, hostKey: serverSupportsHostbound ? binding.hostKey : nil)
        do throws(SSHKeyError) {
            message.writeSSHString(
                try key.sign(
                    Self.signedData(message, binding),
                    algorithm: identity.signatureFormat(for: algorithm) ?? algorithm,
                    allowingLegacy: allowsSHA1Signatures))
        } catch {
            throw ProtocolError(.internalFailure, "The private key could not sign.", reason: .byApplication)
        }
        return message
    }

    /// RFC 4252 §7: the signature covers the session identifier, so that no other connection can use it.
    private static func signedData(_ message: ByteBuffer, _ binding: Binding) -> [UInt8] {
        var data = ByteBuffer()
        data.writeSSHString(binding.sessionID)
        data.writeImmutableBuffer(message)
        return Array(data.readableBytesView)
    }

    private func exhausted(_ offered: [String]) -> ProtocolError {
        let shown = offered.map { DisplayText.neutralise($0, limit: 64) }
        let list = shown.isEmpty ? "no method at all" : shown.joined(separator: ", ")
        let user = DisplayText.neutralise(request.username, limit: 64)
        let usable = credentials.contains { !$0.methods.allSatisfy { !offered.contains($0) } }
        var sentence = "The host does not let \(user) in: "
        if credentials.isEmpty {
            sentence += "no credential was given; it offers \(list)."
        } else if !accepted.isEmpty {
            sentence += "it accepted \(accepted.joined(separator: ", ")) and still asks for \(list)."
        } else if usable {
            sentence += "it refused every credential; it still offers \(list)."
        } else {
            sentence += "none of the credentials fits what it offers: \(list)."
        }
        return ProtocolError(
            .authenticationFailed, sentence, reason: .noMoreAuthenticationMethods, offeredMethods: shown)
    }
}
