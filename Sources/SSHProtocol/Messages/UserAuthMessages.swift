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

    /// RFC 4252 §7, up to the signature: the part that is signed together with the session identifier.
    func publicKey(algorithm: String, blob: [UInt8]) -> ByteBuffer {
        var buffer = begin("publickey")
        buffer.writeSSHBoolean(true)
        buffer.writeSSHString(algorithm)
        buffer.writeSSHString(blob)
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

/// SSH_MSG_USERAUTH_FAILURE (RFC 4252 §5.1).
struct UserAuthFailure {
    var methods: [String]
    var isPartialSuccess: Bool

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
