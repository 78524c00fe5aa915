import Testing

@testable import SSHCrypto

/// Made by OpenSSL 3.0's own SSHKDF, for example:
/// openssl kdf -keylen 64 -kdfopt digest:SHA256 -kdfopt hexkey:0000000400112233 -kdfopt hexxcghash:aa… (32 bytes)
///   -kdfopt hexsession_id:bb… (32 bytes) -kdfopt type:C SSHKDF
@Suite struct KeyDerivationTests {
    struct Vector: Sendable {
        let hash: ExchangeHash
        let letter: Character
        let key: String
    }

    static let vectors = [
        Vector(
            hash: .sha256, letter: "C",
            key: """
                E24411DF9D8867F07B81BE3F6A1515FEE27E76A24769A931EDCAB25A3CFCEC5195EEAACA2DC6CA4FA1E1F1AEAF34E602
                BBFE1D909BF8E4E0EC832695CD44D448
                """),
        Vector(
            hash: .sha512, letter: "F",
            key: """
                68BE56185FC1C341E4469B8025E2F63CA37F08EF756E4A07C3BDD9AEDC7B2A11F0EB2F2289A51280EB55CE4EB03D6F42
                E2BDC2DDEFB899CDACEF48EBBD967E0462CE5864867F438D3122465178E04BA75B71E369B1A06981982463FE6E21416F
                EBF44944
                """),
        Vector(
            hash: .sha384, letter: "A",
            key: """
                106140DFB121064AA7D29852DA2D7E3674CE75AAA88BFF0B5D25FC892514F22683ADE5428D96484283269CCB1769E054
                A15F2C7971973E253B252088
                """),
        Vector(
            hash: .sha1, letter: "D",
            key: """
                9EF787A109CD77CDEB357A9F7E38721CFC30DC06C1FF1EB736BDDD5A6B005E79B4428C36E6E04A61635869EB43
                """),
    ]

    @Test("keys of every length are those that OpenSSL derives", arguments: vectors)
    func derivation(_ vector: Vector) throws {
        let expected = hex(vector.key)
        let letter = try #require(vector.letter.asciiValue)
        for length in 0...expected.count {
            let key = deriveKey(
                hash: vector.hash, secret: EncodedSharedSecret(string: [0x00, 0x11, 0x22, 0x33]),
                exchangeHash: [UInt8](repeating: 0xaa, count: vector.hash.length), letter: letter,
                sessionID: [UInt8](repeating: 0xbb, count: vector.hash.length), length: length)
            #expect(key == Array(expected.prefix(length)))
        }
    }

    @Test("a negative length gives an empty key")
    func negativeLength() {
        let key = deriveKey(
            hash: .sha256, secret: EncodedSharedSecret(string: [1]), exchangeHash: [2], letter: 65, sessionID: [3],
            length: -1)
        #expect(key.isEmpty)
    }
}
