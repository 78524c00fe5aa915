import Testing

@testable import SSHCrypto

@Suite struct BcryptPBKDFTests {
    struct Vector: Sendable {
        let password: [UInt8]
        let salt: [UInt8]
        let rounds: Int
        let key: String
    }

    /// The first two are OpenBSD's; all were made by: python3 -c 'import bcrypt; bcrypt.kdf(password, salt, length,
    /// rounds)'
    static let vectors = [
        Vector(
            password: Array("password".utf8), salt: Array("salt".utf8), rounds: 4,
            key: "5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9"),
        Vector(
            password: Array("password".utf8), salt: [0], rounds: 4, key: "c12b566235eee04c212598970a579a67"),
        Vector(
            password: Array("passphrase".utf8), salt: Array("0123456789abcdef".utf8), rounds: 1,
            key: """
                1e9475f6ed147d6574783a5ad4381a31e234aea79a9f378d79a7fc593e10992a
                c0011e77c8313bcb5a7c7d51a7a83d30
                """),
        Vector(
            password: [UInt8](repeating: 0x61, count: 80), salt: Array(String(repeating: "salt", count: 20).utf8),
            rounds: 2,
            key: """
                bca08b1695b630e1d691d85909458b58e55e4ee299f4f1de51604371d36f54e6ce6c3718c65eeb44d021f34fda29d707
                53b7cc55017d6c6f3279aaa6a8b0a8c6578683434cf1b01d9d9a62660dfa662cdc6b4bb3125b6b62aa940b46d8dc02cd
                b62db779
                """),
        Vector(
            password: [0x00, 0xff], salt: Array("s".utf8), rounds: 3,
            key: "d5c1c98c696c155dde56298f1d7418b2e641b8b04319a1014343fe8e17b6dd0a37"),
    ]

    @Test("keys are the published ones", arguments: vectors)
    func vector(_ vector: Vector) throws {
        let expected = hex(vector.key)
        let key = try BcryptPBKDF.derive(
            password: vector.password, salt: vector.salt, rounds: vector.rounds, length: expected.count)
        #expect(key == expected)
    }

    @Test("rounds and lengths out of range are refused before any work")
    func limits() {
        for rounds in [Int.min, -1, 0, 2049, Int(UInt32.max), Int.max] {
            #expect(refused(rounds: rounds, length: 32))
        }
        for length in [Int.min, -1, 0, 1025, Int.max] {
            #expect(refused(rounds: 1, length: length))
        }
        #expect(refused(password: [], rounds: 1, length: 32))
        #expect(refused(salt: [], rounds: 1, length: 32))
    }

    @Test("Blowfish's tables are the digits of pi, by Machin's formula")
    func tables() {
        #expect(BlowfishTables.subkeys + BlowfishTables.boxes == Pi.fraction(words: 18 + 1024))
    }

    private func refused(password: [UInt8] = [1], salt: [UInt8] = [2], rounds: Int, length: Int) -> Bool {
        do throws(SSHCryptoError) {
            _ = try BcryptPBKDF.derive(password: password, salt: salt, rounds: rounds, length: length)
            return false
        } catch { return error.code == .invalidParameter }
    }
}

/// pi = 16 arctan(1/5) - 4 arctan(1/239), in fixed point: one word for the integer part, the rest for the fraction.
private enum Pi {
    static func fraction(words: Int) -> [UInt32] {
        // Some words more than asked for take up the rounding of some thousand terms.
        var sum = [UInt32](repeating: 0, count: words + 4)
        accumulate(arctangentOfInverse: 5, times: 16, into: &sum, subtracting: false)
        accumulate(arctangentOfInverse: 239, times: 4, into: &sum, subtracting: true)
        return Array(sum[1...words])
    }

    private static func accumulate(
        arctangentOfInverse x: UInt32, times factor: UInt32, into sum: inout [UInt32], subtracting: Bool
    ) {
        var power = [UInt32](repeating: 0, count: sum.count)
        power[0] = factor
        divide(&power, by: x, from: 0)
        var divisor: UInt32 = 1
        var negative = subtracting
        var start = 0
        while start < power.count {
            var term = power
            divide(&term, by: divisor, from: start)
            add(term, to: &sum, from: start, negative: negative)
            divide(&power, by: x * x, from: start)
            while start < power.count, power[start] == 0 { start += 1 }
            divisor += 2
            negative.toggle()
        }
    }

    private static func divide(_ number: inout [UInt32], by divisor: UInt32, from start: Int) {
        number.withUnsafeMutableBufferPointer { words in
            var remainder: UInt64 = 0
            var index = start
            while index < words.count {
                let value = remainder << 32 | UInt64(words[index])
                words[index] = UInt32(truncatingIfNeeded: value / UInt64(divisor))
                remainder = value % UInt64(divisor)
                index += 1
            }
        }
    }

    private static func add(_ term: [UInt32], to sum: inout [UInt32], from start: Int, negative: Bool) {
        var carry: Int64 = 0
        var index = sum.count - 1
        while index >= 0, index >= start || carry != 0 {
            let value = Int64(sum[index]) + (negative ? -Int64(term[index]) : Int64(term[index])) + carry
            sum[index] = UInt32(truncatingIfNeeded: value)
            carry = value >> 32
            index -= 1
        }
    }
}
