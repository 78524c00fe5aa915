import SSHCrypto

/// A client's half of one exchange of shares. A class, because the private half must exist once and be used once.
final class ShareBox {
    let bytes: [UInt8]
    private var exchange: ClientKeyExchange?

    /// - Parameter group: For group exchange.
    init(_ method: KeyExchangeMethod, group: DHGroup? = nil) throws(ProtocolError) {
        do throws(SSHCryptoError) {
            let exchange =
                if let group { try ClientKeyExchange(method, group: group) } else { try ClientKeyExchange(method) }
            bytes = exchange.share
            self.exchange = exchange
        } catch {
            throw .keyExchange("Our share of the key exchange could not be made.")
        }
    }

    func finish(_ peerShare: [UInt8]) throws(ProtocolError) -> EncodedSharedSecret {
        guard var exchange else { throw .unexpected("The host sent its share of the key exchange twice.") }
        self.exchange = nil
        do throws(SSHCryptoError) {
            return try exchange.finish(peerShare: peerShare)
        } catch {
            throw .keyExchange("The host's share of the key exchange is not valid.")
        }
    }
}
