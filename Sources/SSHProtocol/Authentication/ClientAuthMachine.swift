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
        case authenticated
    }

    /// The request that the server has not decided yet. Message 60 means what it says (RFC 4252 §6).
    private enum Attempt {
        case none
        case publicKey(credential: Int)
        case password(credential: Int)
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
    private var rounds = 0
    private var questions = 0
    private var passwordExpired = false
    private var accepted: [String] = []
    /// From EXT_INFO (RFC 8308 §3.1); nil when the server says nothing.
    var serverSignatureAlgorithms: [String]?

    init(username: String, credentials: [Credential]) {
        request = UserAuthRequest(username: username)
        self.credentials = credentials
    }

    /// The first request: "none" is never a proof, its answer lists the methods (RFC 4252 §5.2).
    mutating func begin() -> ByteBuffer {
        attempt = .none
        return request.none
    }

    // MARK: Answers of the server

    mutating func receiveFailure(_ payload: ByteBuffer, sessionID: [UInt8]) throws(ProtocolError) -> Step {
        let failure = try UserAuthFailure(payload)
        conclude(isAccepted: failure.isPartialSuccess)
        return .send(try next(failure.methods, sessionID: sessionID))
    }

    /// Message 60: INFO_REQUEST or PASSWD_CHANGEREQ, as the attempt in progress says.
    mutating func receiveMethodMessage(_ payload: ByteBuffer) throws(ProtocolError) -> Step {
        switch attempt {
        case .interactive(let credential, let hasAnswered):
            return try receiveQuestions(payload, credential: credential, hasAnswered: hasAnswered)
        case .password:
            // RFC 4252 §8: the password is right and too old. Changing it is not for an unattended client.
            passwordExpired = true
            throw ProtocolError(
                .authenticationFailed, "The host accepts the password only to have it changed: it has expired.",
                reason: .noMoreAuthenticationMethods)
        case .none, .publicKey:
            // PK_OK answers a query that we never send: we sign at once.
            throw .unexpected("The host sent an authentication message that nobody waits for.")
        }
    }

    /// The owner's answers to the questions of an INFO_REQUEST; nil gives the attempt up.
    mutating func answer(_ answers: [[UInt8]]?, sessionID: [UInt8]) throws(ProtocolError) -> ByteBuffer {
        guard case .interactive(let credential, _) = attempt else {
            throw ProtocolError(.internalFailure, "No question waits for an answer.", reason: .byApplication)
        }
        guard let answers, answers.count == questions else {
            // RFC 4252 §5.1: a new request abandons the one in progress.
            spent.insert(credential)
            return try next(offeredMethods, sessionID: sessionID)
        }
        return UserAuthInfoResponse(answers: answers).encoded
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
        case .none:
            break
        case .publicKey(let credential):
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

    private mutating func next(_ offered: [String], sessionID: [UInt8]) throws(ProtocolError) -> ByteBuffer {
        offeredMethods = offered
        for (index, credential) in credentials.enumerated() where !spent.contains(index) {
            guard let method = credential.methods.first(where: offered.contains) else { continue }
            switch credential {
            case .privateKey(let key):
                guard let algorithm = algorithm(for: key, index) else {
                    spent.insert(index)
                    continue
                }
                attempt = .publicKey(credential: index)
                return try signed(key, algorithm: algorithm, sessionID: sessionID)
            case .password(let password) where method == "password":
                attempt = .password(credential: index)
                return request.password(password)
            case .password, .keyboardInteractive:
                attempt = .interactive(credential: index, hasAnswered: false)
                return request.keyboardInteractive
            }
        }
        throw exhausted(offered)
    }

    /// RFC 8332 §3.3: the best algorithm that the server announced; without an announcement one after the other.
    private mutating func algorithm(for key: SSHPrivateKey, _ index: Int) -> String? {
        var candidates = key.publicKey.signatureAlgorithms
        if let announced = serverSignatureAlgorithms {
            let common = candidates.filter(announced.contains)
            // A server that leaves out what it knows loses nothing by being asked once.
            candidates = common.isEmpty ? Array(candidates.prefix(1)) : Array(common.prefix(1))
        }
        let tried = triedAlgorithms[index, default: []]
        guard let algorithm = candidates.first(where: { !tried.contains($0) }) else { return nil }
        triedAlgorithms[index] = tried.union([algorithm])
        return algorithm
    }

    /// RFC 4252 §7: the signature covers the session identifier, so that no other connection can use it.
    private func signed(
        _ key: SSHPrivateKey, algorithm: String, sessionID: [UInt8]
    ) throws(ProtocolError) -> ByteBuffer {
        var message = request.publicKey(algorithm: algorithm, blob: key.publicKey.blob)
        var signedData = ByteBuffer()
        signedData.writeSSHString(sessionID)
        signedData.writeImmutableBuffer(message)
        do throws(SSHKeyError) {
            message.writeSSHString(try key.sign(Array(signedData.readableBytesView), algorithm: algorithm))
        } catch {
            throw ProtocolError(.internalFailure, "The private key could not sign.", reason: .byApplication)
        }
        return message
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
