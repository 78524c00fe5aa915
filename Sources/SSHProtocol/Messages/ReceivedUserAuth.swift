// Messages of user authentication that a server receives: RFC 4252, RFC 4256.

import NIOCore

/// SSH_MSG_USERAUTH_REQUEST (RFC 4252 §5) up to the method's own fields.
struct ReceivedAuthRequest {
    static let maximumUsername = 1024

    let username: String
    let service: String
    let method: String
    /// The whole message with its number: a signature covers its beginning.
    private let message: ByteBuffer
    private var reader: MessageReader

    /// - Parameter payload: After the message number.
    init(_ payload: ByteBuffer) throws(ProtocolError) {
        var reader = MessageReader(payload, of: "USERAUTH_REQUEST")
        let name = try reader.bytes()
        // Two names that repair to the same text are not the same user.
        guard name.count <= Self.maximumUsername, let username = String(validating: name, as: UTF8.self) else {
            throw .malformed("The host sent a user name that is too long or is not UTF-8.")
        }
        self.username = username
        service = try reader.text()
        method = try reader.text()
        self.reader = reader
        var message = ByteBuffer(message: .userAuthRequest, capacity: payload.readableBytes + 1)
        message.writeImmutableBuffer(payload)
        self.message = message
    }

    func end() throws(ProtocolError) { try reader.end() }

    /// publickey (RFC 4252 §7), also in its host-bound form (OpenSSH's PROTOCOL §1.13).
    struct PublicKey {
        var algorithm: String
        var blob: [UInt8]
        /// The server's host key that the client means, where the method names it.
        var hostKey: [UInt8]?
        /// nil: only asks whether the key would do.
        var signature: [UInt8]?
        /// What the signature covers after the session identifier, in the very bytes that came.
        var signedPart: ByteBuffer
    }

    mutating func publicKey() throws(ProtocolError) -> PublicKey {
        let isSigned = try reader.boolean()
        let algorithm = try reader.text()
        let blob = try reader.bytes()
        let hostKey = method == "publickey" ? nil : try reader.bytes()
        let signedLength = message.readableBytes - reader.remaining
        let signedPart = message.getSlice(at: message.readerIndex, length: signedLength) ?? ByteBuffer()
        let signature = isSigned ? try reader.bytes() : nil
        try reader.end()
        return PublicKey(
            algorithm: algorithm, blob: blob, hostKey: hostKey, signature: signature, signedPart: signedPart)
    }

    /// password (RFC 4252 §8).
    mutating func password() throws(ProtocolError) -> AuthorizationRequest.Method {
        let isChange = try reader.boolean()
        let password = try reader.bytes()
        guard isChange else {
            try reader.end()
            return .password(password)
        }
        let new = try reader.bytes()
        try reader.end()
        return .passwordChange(old: password, new: new)
    }

    /// keyboard-interactive (RFC 4256 §3.1); the language is read past.
    mutating func keyboardInteractive() throws(ProtocolError) -> AuthorizationRequest.Method {
        _ = try reader.slice()
        let submethods = try reader.text()
        try reader.end()
        return .keyboardInteractive(submethods: submethods.split(separator: ",").prefix(16).map(String.init))
    }
}

/// SSH_MSG_USERAUTH_INFO_RESPONSE (RFC 4256 §3.4).
enum ReceivedInfoResponse {
    /// The answers, or nil when there are more or fewer than `expected`: then nothing is read.
    static func answers(_ payload: ByteBuffer, expected: Int) throws(ProtocolError) -> [String]? {
        var reader = MessageReader(payload, of: "USERAUTH_INFO_RESPONSE")
        guard try reader.uint32() == UInt32(clamping: expected) else { return nil }
        var answers: [String] = []
        for _ in 0..<expected { answers.append(try reader.text()) }
        try reader.end()
        return answers
    }
}
