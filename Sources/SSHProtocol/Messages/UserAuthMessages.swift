// Messages of user authentication: RFC 4252, RFC 4256.

import NIOCore

/// SSH_MSG_USERAUTH_REQUEST (RFC 4252 §5), in the forms that a client sends.
struct UserAuthRequest {
    var username: String

    private func begin(_ method: String) -> ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthRequest, capacity: 256)
        buffer.writeSSHString(username)
        buffer.writeSSHString(ServiceName.connection)
        buffer.writeSSHString(method)
        return buffer
    }

    /// RFC 4252 §5.2: asks which methods there are.
    var none: ByteBuffer { begin("none") }

    /// RFC 4252 §8.
    func password(_ password: [UInt8]) -> ByteBuffer {
        var buffer = begin("password")
        buffer.writeSSHBoolean(false)
        buffer.writeSSHString(password)
        return buffer
    }

    /// RFC 4252 §8: an expired password and the one that takes its place.
    func passwordChange(old: [UInt8], new: [UInt8]) -> ByteBuffer {
        var buffer = begin("password")
        buffer.writeSSHBoolean(true)
        buffer.writeSSHString(old)
        buffer.writeSSHString(new)
        return buffer
    }

    /// RFC 4252 §7: asks whether a key would do.
    func publicKeyQuery(algorithm: String, blob: [UInt8]) -> ByteBuffer {
        var buffer = begin("publickey")
        buffer.writeSSHBoolean(false)
        buffer.writeSSHString(algorithm)
        buffer.writeSSHString(blob)
        return buffer
    }

    /// RFC 4252 §7, up to the signature: the part that is signed together with the session identifier.
    ///
    /// - Parameter hostKey: The server's host key, where the server takes signatures that name it (OpenSSH's PROTOCOL
    ///   §1.13): then an agent can tell for which host it signs.
    func publicKey(algorithm: String, blob: [UInt8], hostKey: [UInt8]?) -> ByteBuffer {
        var buffer = begin(hostKey == nil ? "publickey" : "publickey-hostbound-v00@openssh.com")
        buffer.writeSSHBoolean(true)
        buffer.writeSSHString(algorithm)
        buffer.writeSSHString(blob)
        if let hostKey { buffer.writeSSHString(hostKey) }
        return buffer
    }

    /// RFC 4256 §3.1: no language, no submethods.
    var keyboardInteractive: ByteBuffer {
        var buffer = begin("keyboard-interactive")
        buffer.writeSSHString("")
        buffer.writeSSHString("")
        return buffer
    }
}

/// SSH_MSG_USERAUTH_PK_OK (RFC 4252 §7).
struct UserAuthPublicKeyOK {
    var algorithm: String
    var blob: [UInt8]

    init(algorithm: String, blob: [UInt8]) {
        self.algorithm = algorithm
        self.blob = blob
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "USERAUTH_PK_OK")
        algorithm = try reader.text()
        blob = try reader.bytes()
        try reader.end()
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthMethod60, capacity: blob.count + 64)
        buffer.writeSSHString(algorithm)
        buffer.writeSSHString(blob)
        return buffer
    }
}

/// SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252 §8).
struct UserAuthPasswordChange {
    var prompt: String

    init(prompt: String) { self.prompt = prompt }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "USERAUTH_PASSWD_CHANGEREQ")
        prompt = try reader.text()
        // A language tag follows; some servers leave it out.
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthMethod60)
        buffer.writeSSHString(prompt)
        buffer.writeSSHString("")
        return buffer
    }
}

/// SSH_MSG_USERAUTH_FAILURE (RFC 4252 §5.1).
struct UserAuthFailure {
    var methods: [String]
    var isPartialSuccess: Bool

    init(methods: [String], isPartialSuccess: Bool) {
        self.methods = methods
        self.isPartialSuccess = isPartialSuccess
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthFailure)
        buffer.writeNameList(methods)
        buffer.writeSSHBoolean(isPartialSuccess)
        return buffer
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "USERAUTH_FAILURE")
        methods = try reader.nameList()
        isPartialSuccess = try reader.boolean()
        try reader.end()
    }
}

/// SSH_MSG_USERAUTH_BANNER (RFC 4252 §5.4).
struct UserAuthBanner {
    var text: String

    init(text: String) { self.text = text }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthBanner)
        buffer.writeSSHString(text)
        buffer.writeSSHString("")
        return buffer
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "USERAUTH_BANNER")
        text = try reader.text()
        // A language tag follows; some servers leave it out.
    }
}

/// SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256 §3.2).
struct UserAuthInfoRequest {
    /// More questions in one round than anybody would answer.
    static let maximumQuestions = 32

    var name: String
    var instruction: String
    var questions: [AuthenticationPrompt.Question]

    init(_ asked: KeyboardQuestions) {
        name = asked.name
        instruction = asked.instruction
        questions = asked.prompts.map { .init(text: $0.text, echoes: $0.echoes) }
    }

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthMethod60, capacity: 256)
        buffer.writeSSHString(name)
        buffer.writeSSHString(instruction)
        buffer.writeSSHString("")
        buffer.writeInteger(UInt32(clamping: questions.count))
        for question in questions {
            buffer.writeSSHString(question.text)
            buffer.writeSSHBoolean(question.echoes)
        }
        return buffer
    }

    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "USERAUTH_INFO_REQUEST")
        name = try reader.text()
        instruction = try reader.text()
        _ = try reader.slice()
        let count = try reader.uint32()
        guard count <= Self.maximumQuestions, count <= reader.remaining / 5 else {
            throw .malformed("The host asked \(count) questions in one round of authentication.")
        }
        questions = []
        for _ in 0..<count {
            let text = try reader.text()
            questions.append(.init(text: text, echoes: try reader.boolean()))
        }
        try reader.end()
    }
}

/// SSH_MSG_USERAUTH_INFO_RESPONSE (RFC 4256 §3.4).
struct UserAuthInfoResponse {
    var answers: [[UInt8]]

    var encoded: ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthInfoResponse, capacity: 128)
        buffer.writeInteger(UInt32(clamping: answers.count))
        for answer in answers { buffer.writeSSHString(answer) }
        return buffer
    }
}
