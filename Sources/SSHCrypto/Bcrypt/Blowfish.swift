import CSSHCipher

/// The state of Blowfish with the salted key schedule of bcrypt (Provos and Mazières, "A Future-Adaptable Password
/// Scheme", §3), which no library offers.
///
/// The state lives in memory of its own, that is wiped at the end. Table look-ups depend on the key, as in every
/// Blowfish: good for a passphrase on one's own machine, not for traffic.
final class BlowfishState {
    private static let boxCount = 4 * 256
    private static let subkeyCount = 18

    private let subkeys = UnsafeMutablePointer<UInt32>.allocate(capacity: subkeyCount)
    private let boxes = UnsafeMutablePointer<UInt32>.allocate(capacity: boxCount)

    init() {
        subkeys.initialize(repeating: 0, count: Self.subkeyCount)
        boxes.initialize(repeating: 0, count: Self.boxCount)
        reset()
    }

    deinit {
        ssh_wipe(subkeys, Self.subkeyCount * MemoryLayout<UInt32>.stride)
        ssh_wipe(boxes, Self.boxCount * MemoryLayout<UInt32>.stride)
        subkeys.deallocate()
        boxes.deallocate()
    }

    /// Back to the digits of pi.
    func reset() {
        for (index, word) in BlowfishTables.subkeys.prefix(Self.subkeyCount).enumerated() { subkeys[index] = word }
        for (index, word) in BlowfishTables.boxes.prefix(Self.boxCount).enumerated() { boxes[index] = word }
    }

    /// Mixes in a key and a salt (ExpandKey). Both have an even, positive number of words and are used in a circle.
    func expand(key: [UInt32], salt: [UInt32]) {
        mix(key)
        var position = 0
        schedule { left, right in
            left ^= salt[position]
            right ^= salt[position + 1]
            position = (position + 2) % salt.count
        }
    }

    /// Mixes in a key alone (ExpandKey with a salt of zeros).
    func expand(key: [UInt32]) {
        mix(key)
        schedule { _, _ in }
    }

    /// Encrypts an even number of words, two by two.
    func encrypt(_ words: inout [UInt32]) {
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            (words[index], words[index + 1]) = encrypt(words[index], words[index + 1])
        }
    }

    private func mix(_ key: [UInt32]) {
        for index in 0..<Self.subkeyCount { subkeys[index] ^= key[index % key.count] }
    }

    @inline(__always)
    private func schedule(_ salted: (inout UInt32, inout UInt32) -> Void) {
        var left: UInt32 = 0
        var right: UInt32 = 0
        var index = 0
        while index < Self.subkeyCount {
            salted(&left, &right)
            (left, right) = encrypt(left, right)
            subkeys[index] = left
            subkeys[index + 1] = right
            index += 2
        }
        index = 0
        while index < Self.boxCount {
            salted(&left, &right)
            (left, right) = encrypt(left, right)
            boxes[index] = left
            boxes[index + 1] = right
            index += 2
        }
    }

    /// Sixteen Feistel rounds. The four boxes lie one behind the other: box n starts at 256 n.
    @inline(__always)
    private func encrypt(_ first: UInt32, _ second: UInt32) -> (UInt32, UInt32) {
        var left = first ^ subkeys[0]
        var right = second
        var round = 1
        while round < 17 {
            right ^= mangle(left) ^ subkeys[round]
            left ^= mangle(right) ^ subkeys[round + 1]
            round += 2
        }
        return (right ^ subkeys[17], left)
    }

    @inline(__always)
    private func mangle(_ word: UInt32) -> UInt32 {
        let a = boxes[Int(word >> 24)]
        let b = boxes[256 + Int(word >> 16 & 0xff)]
        let c = boxes[512 + Int(word >> 8 & 0xff)]
        let d = boxes[768 + Int(word & 0xff)]
        return ((a &+ b) ^ c) &+ d
    }
}
