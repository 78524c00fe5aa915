import Crypto

/// The hash function that belongs to a key exchange method: it makes the exchange hash H and derives the keys.
public enum ExchangeHash: Sendable, Hashable, CaseIterable {
    case sha256
    case sha384
    case sha512
    /// Legacy: of the methods that RFC 4253 started with.
    case sha1

    /// Bytes of a digest.
    public var length: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        case .sha1: 20
        }
    }

    /// The digest of `bytes`.
    public func digest(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        case .sha1: Array(Insecure.SHA1.hash(data: bytes))
        }
    }
}

/// Derives one key of a connection (RFC 4253 §7.2): HASH(K || H || letter || session id), extended by
/// HASH(K || H || what there is so far) until it is long enough.
///
/// - Parameters:
///   - hash: the hash of the key exchange method.
///   - secret: K in its encoding, as ``ClientKeyExchange`` gives it.
///   - exchangeHash: H of this key exchange.
///   - letter: ASCII "A" and "B" for initial vectors, "C" and "D" for encryption, "E" and "F" for integrity, client to
///     server first.
///   - sessionID: H of the connection's first key exchange.
///   - length: bytes wanted; zero or less gives an empty array.
public func deriveKey(
    hash: ExchangeHash, secret: EncodedSharedSecret, exchangeHash: [UInt8], letter: UInt8, sessionID: [UInt8],
    length: Int
) -> [UInt8] {
    guard length > 0 else { return [] }
    var key = hash.digest(secret.bytes + exchangeHash + [letter] + sessionID)
    while key.count < length {
        key += hash.digest(secret.bytes + exchangeHash + key)
    }
    return Array(key.prefix(length))
}
