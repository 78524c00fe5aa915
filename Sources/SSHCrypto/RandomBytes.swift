import CSSHCipher

/// `count` bytes from the system's cryptographic random number generator, fit for keys, cookies and salts.
///
/// - Parameter count: bytes; zero or less gives an empty array.
public func randomBytes(_ count: Int) -> [UInt8] {
    guard count > 0 else { return [] }
    var generator = SystemRandomNumberGenerator()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        var word: UInt64 = 0
        for index in 0..<count {
            if index % 8 == 0 { word = generator.next() }
            buffer[index] = UInt8(truncatingIfNeeded: word)
            word >>= 8
        }
        initialized = count
    }
}

/// Fills `count` bytes from the system's generator; 0 if it could.
func fillRandomly(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int32 { ssh_random(bytes, count) }

/// Random bytes for padding, fetched some thousand at a time: one call of the generator for about 500 packets.
struct PaddingPool {
    private var bytes = [UInt8](repeating: 0, count: 4096)
    private var used = 4096

    init() {}

    /// Fills `target` (at most 255 bytes) with bytes that were never handed out before.
    mutating func fill(_ target: UnsafeMutableRawBufferPointer) throws(SSHCryptoError) {
        if bytes.count - used < target.count {
            let code = bytes.withUnsafeMutableBufferPointer { buffer -> Int32 in
                guard let base = buffer.baseAddress else { return -1 }
                return fillRandomly(base, buffer.count)
            }
            guard code == 0 else { throw .internalFailure("The random number generator gave no bytes.") }
            used = 0
        }
        let from = used
        used += target.count
        bytes.withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[from..<from + target.count]))
        }
    }
}
