import Crypto
import CryptoExtras
import Testing

@testable import SSHCrypto

@Suite struct SNTRUP761Tests {
    /// The generator that the vectors of NIST's post-quantum submissions were made with: AES-256-CTR-DRBG of SP 800-90A
    /// without derivation function, as in their `rng.c`.
    final class SeededGenerator {
        private var key = [UInt8](repeating: 0, count: 32)
        private var counter = [UInt8](repeating: 0, count: 16)

        init(seed: [UInt8]) { update(with: seed) }

        func bytes(_ count: Int) -> [UInt8] {
            var output: [UInt8] = []
            while output.count < count { output += nextBlock() }
            update(with: [UInt8](repeating: 0, count: 48))
            return Array(output.prefix(count))
        }

        private func nextBlock() -> [UInt8] {
            for index in counter.indices.reversed() {
                counter[index] &+= 1
                if counter[index] != 0 { break }
            }
            var block = counter
            do { try AES.permute(&block, key: SymmetricKey(data: key)) } catch { Issue.record(error) }
            return block
        }

        private func update(with data: [UInt8]) {
            let state = zip((0..<3).flatMap { _ in nextBlock() }, data).map { $0 ^ $1 }
            key = Array(state.prefix(32))
            counter = Array(state.suffix(16))
        }

        static let callback: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
            context, target, count in
            guard let context, let target else { return -1 }
            let generator = Unmanaged<SeededGenerator>.fromOpaque(context).takeUnretainedValue()
            for (index, byte) in generator.bytes(count).enumerated() { target[index] = byte }
            return 0
        }

        var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
    }

    /// One record of a NIST response file.
    private func record(_ count: Int, seed: [UInt8]) throws -> String {
        let generator = SeededGenerator(seed: seed)
        let key = try SNTRUP761(random: SeededGenerator.callback, context: generator.context)
        let (ciphertext, secret) = try SNTRUP761.encapsulate(
            to: key.publicKey, random: SeededGenerator.callback, context: generator.context)
        #expect(try key.decapsulate(ciphertext) == secret)
        return """
            count = \(count)
            seed = \(upperHex(seed))
            pk = \(upperHex(key.publicKey))
            sk = \(upperHex(key.secretKey))
            ct = \(upperHex(ciphertext))
            ss = \(upperHex(secret))

            """
    }

    /// The expected digests are those of `tests/KATs/kem/kats.json` in github.com/open-quantum-safe/liboqs, made of the
    /// response file of the NTRU Prime submission's round 3.
    @Test("keys, ciphertexts and secrets are those of the hundred published vectors")
    func published() throws {
        let entropy = SeededGenerator(seed: Array(0..<48))
        let records = try (0..<100).map { try record($0, seed: entropy.bytes(48)) }
        #expect(
            digest(records[0]) == "afc42c3a5b10f4ef69654250097ebda9b9564570f4086744b24a6daf2bd1f89a")
        #expect(
            digest(records.joined(separator: "\n"))
                == "36e1e53d4e6e295e8fb804449958ad9a3719aa350e91933c65791b9117382d57")
    }

    @Test("fresh keys are all different and agree with whoever encapsulates to them")
    func fresh() throws {
        var keys: Set<[UInt8]> = []
        for _ in 0..<10 {
            let key = try SNTRUP761()
            let (ciphertext, secret) = try SNTRUP761.encapsulate(to: key.publicKey)
            #expect(try key.decapsulate(ciphertext) == secret)
            #expect(keys.insert(key.publicKey).inserted)
        }
    }

    @Test("a ciphertext changed anywhere gives another secret, always the same one, and no error")
    func implicitRejection() throws {
        let key = try SNTRUP761()
        let (ciphertext, secret) = try SNTRUP761.encapsulate(to: key.publicKey)
        for index in [0, 500, 1006, 1007, 1038] {
            var changed = ciphertext
            changed[index] ^= 1
            let wrong = try key.decapsulate(changed)
            #expect(wrong != secret)
            #expect(try key.decapsulate(changed) == wrong)
        }
    }

    @Test(
        "no public key and no ciphertext is out of range: all zeros, all ones and noise are taken",
        arguments: [0x00, 0x55, 0xff] as [UInt8])
    func everyInput(_ byte: UInt8) throws {
        let key = try SNTRUP761()
        #expect(try SNTRUP761.encapsulate(to: [UInt8](repeating: byte, count: 1158)).secret.count == 32)
        #expect(try key.decapsulate([UInt8](repeating: byte, count: 1039)).count == 32)
        #expect(try SNTRUP761.encapsulate(to: randomBytes(1158)).secret.count == 32)
        #expect(try key.decapsulate(randomBytes(1039)).count == 32)
    }

    @Test("a wrong length is refused")
    func lengths() throws {
        let key = try SNTRUP761()
        for length in [0, 1038, 1040] {
            #expect(code { try key.decapsulate(randomBytes(length)) } == .invalidPeerShare)
        }
        for length in [0, 1157, 1159] {
            #expect(code { try SNTRUP761.encapsulate(to: randomBytes(length)) } == .invalidPeerShare)
        }
    }

    @Test("a generator that fails makes no key and no secret")
    func noRandomness() throws {
        #expect(code { try SNTRUP761(random: { _, _, _ in -1 }, context: nil) } == .internalFailure)
        let key = try SNTRUP761().publicKey
        #expect(
            code { try SNTRUP761.encapsulate(to: key, random: { _, _, _ in -1 }, context: nil) } == .internalFailure)
    }

    @Test("the hybrid secret is the SHA-512 of the sntrup761 secret and the X25519 secret, as a string")
    func hybridSecret() throws {
        var client = try ClientKeyExchange(.sntrup761x25519)
        let lattice = try SNTRUP761.encapsulate(to: Array(client.share.prefix(1158)))
        let curve = Curve25519.KeyAgreement.PrivateKey()
        let classical = try curve.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: client.share.suffix(32)))
        let secret = try client.finish(peerShare: lattice.ciphertext + Array(curve.publicKey.rawRepresentation))
        let both = lattice.secret + classical.withUnsafeBytes { Array($0) }
        #expect(secret.bytes == [0, 0, 0, 64] + Array(SHA512.hash(data: both)))
    }

    private func digest(_ text: String) -> String { hexDigits(SHA256.hash(data: Array(text.utf8))) }

    private func upperHex(_ bytes: [UInt8]) -> String { hexDigits(bytes).uppercased() }
}
