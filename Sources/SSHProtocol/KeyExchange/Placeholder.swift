import SSHCrypto

public struct DHGroup: Sendable {
    let prime: [UInt8]
    let generator: [UInt8]
    init(prime: [UInt8], generator: [UInt8]) throws(SSHCryptoError) {
        self.prime = prime
        self.generator = generator
    }
    static func groupExchangeChoice(minimum: Int, preferred: Int, maximum: Int) -> DHGroup? { nil }
}
extension KeyExchangeMethod { var isGroupExchange: Bool { false } }
extension ClientKeyExchange {
    init(_ method: KeyExchangeMethod, group: DHGroup) throws(SSHCryptoError) { try self.init(method) }
}
extension ServerKeyExchange {
    static func respond(
        _ method: KeyExchangeMethod, group: DHGroup, peerShare: [UInt8]
    ) throws(SSHCryptoError) -> (share: [UInt8], secret: EncodedSharedSecret) {
        try respond(method, peerShare: peerShare)
    }
}
