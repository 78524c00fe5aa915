// A host tells its other keys, so that they can be put on record before they are needed: hostkeys-00@openssh.com and
// hostkeys-prove-00@openssh.com (OpenSSH's PROTOCOL §2.5).

import NIOCore
import SSHKeys

enum HostKeyRotation {
    static let announcement = "hostkeys-00@openssh.com"
    static let proof = "hostkeys-prove-00@openssh.com"
    /// More keys than any host has.
    static let maximumKeys = 32

    /// The blobs of an announcement or of a request for proof: strings up to the end.
    static func blobs(_ body: ByteBuffer) throws(ProtocolError) -> [[UInt8]] {
        var reader = MessageReader(body, of: "hostkeys")
        var blobs: [[UInt8]] = []
        while reader.remaining > 0 {
            guard blobs.count < maximumKeys else { throw .malformed("The host sent more than \(maximumKeys) keys.") }
            blobs.append(try reader.bytes())
        }
        return blobs
    }

    static func encoded(_ name: String, wantsReply: Bool, _ blobs: [[UInt8]]) -> ByteBuffer {
        var buffer = ByteBuffer(message: .globalRequest, capacity: 1024)
        buffer.writeSSHString(name)
        buffer.writeSSHBoolean(wantsReply)
        for blob in blobs { buffer.writeSSHString(blob) }
        return buffer
    }

    /// What a proof is a signature over.
    static func signedData(sessionID: [UInt8], blob: [UInt8]) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeSSHString(proof)
        buffer.writeSSHString(sessionID)
        buffer.writeSSHString(blob)
        return Array(buffer.readableBytesView)
    }
}

extension ConnectionMachine {
    // MARK: Server

    /// After authentication: all our keys, without their certificates.
    mutating func announceHostKeys() throws(ProtocolError) {
        guard let serverConfiguration, serverConfiguration.announcesHostKeys else { return }
        let blobs = serverConfiguration.hostKeys.map(\.privateKey.publicKey.blob)
        try send(HostKeyRotation.encoded(HostKeyRotation.announcement, wantsReply: false, blobs))
    }

    /// The answer to hostkeys-prove-00: a signature for each key asked about, or nil when one of them is not ours.
    ///
    /// - Parameter body: What follows the name and the wish for a reply.
    func hostKeyProofs(_ body: ByteBuffer) throws(ProtocolError) -> ByteBuffer? {
        guard let serverConfiguration else { return nil }
        var answer = ByteBuffer(message: .requestSuccess, capacity: 512)
        let blobs = try HostKeyRotation.blobs(body)
        guard Set(blobs).count == blobs.count, !blobs.isEmpty else { return nil }
        for blob in blobs {
            guard
                let key = serverConfiguration.hostKeys.first(where: { $0.privateKey.publicKey.blob == blob })?
                    .privateKey,
                let algorithm = proofAlgorithm(key.publicKey),
                let signature = try? key.sign(
                    HostKeyRotation.signedData(sessionID: sessionID, blob: blob), algorithm: algorithm)
            else { return nil }
            answer.writeSSHString(signature)
        }
        return answer
    }

    /// An RSA key signs as in the key exchange, if that was with RSA: what else the client knows is not known.
    private func proofAlgorithm(_ key: SSHPublicKey) -> String? {
        let agreed = keyExchange.hostKeyAlgorithm?.signatureAlgorithm
        return key.signatureAlgorithms.first { $0 == agreed } ?? key.signatureAlgorithms.first
    }

    // MARK: Client

    /// hostkeys-00: asks for the proof of what is not proved yet. Keys of kinds that we do not know are left out.
    ///
    /// - Parameter body: What follows the name and the wish for a reply.
    mutating func receiveHostKeys(_ body: ByteBuffer) throws(ProtocolError) {
        guard learnsHostKeys, !globalRequests.isFull else { return }
        // Once for each connection: a host that announces on and on costs itself nothing and us a proof each time.
        learnsHostKeys = false
        var keys: [SSHPublicKey] = []
        for blob in try HostKeyRotation.blobs(body) {
            guard let key = try? SSHPublicKey(wire: blob), key != keyExchange.hostIdentity?.publicKey,
                !keys.contains(key)
            else { continue }
            keys.append(key)
        }
        let current = keyExchange.hostIdentity.map { [$0.publicKey] } ?? []
        guard !keys.isEmpty, Set(keys + current) != knownHostKeys else { return }
        globalRequests.append(.hostKeyProofs(keys))
        try send(HostKeyRotation.encoded(HostKeyRotation.proof, wantsReply: true, keys.map(\.blob)))
    }

    /// The answer to our request for proof: a signature for each key, in the order of the request. One bad proof and none
    /// counts.
    ///
    /// - Parameter body: What follows the message number; nil for REQUEST_FAILURE.
    mutating func receiveHostKeyProofs(_ body: ByteBuffer?, of keys: [SSHPublicKey]) throws(ProtocolError) {
        guard let body else { return }
        var reader = MessageReader(body, of: "hostkeys-prove")
        for key in keys {
            let signature = try reader.bytes()
            let data = HostKeyRotation.signedData(sessionID: sessionID, blob: key.blob)
            let isProved = key.signatureAlgorithms.contains { algorithm in
                (try? key.verify(signature: signature, over: data, algorithm: algorithm)) ?? false
            }
            guard isProved else { return }
        }
        try reader.end()
        emit(.hostKeysOffered(keys))
    }
}
