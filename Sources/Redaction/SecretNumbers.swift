import Synchronization

/// Gives each secret value a number, so that a reader sees which of two hidden values are the same. Keeps no value: only a
/// keyed hash, with a key of this process.
public final class SecretNumbers: Sendable {
    private struct Known {
        var numbers: [Int: Int] = [:]
    }

    /// After so many, further values of a kind share the number 0.
    public static let maximumValues = 10_000

    private let known = Mutex<[SecretRedaction.Kind: Known]>([:])

    public init() {}

    func number(of value: ArraySlice<UInt8>, _ kind: SecretRedaction.Kind) -> Int {
        var hasher = Hasher()
        hasher.combine(value)
        let hash = hasher.finalize()
        return known.withLock { known in
            if let number = known[kind]?.numbers[hash] { return number }
            let number = (known[kind]?.numbers.count ?? 0) + 1
            guard number <= Self.maximumValues else { return 0 }
            known[kind, default: Known()].numbers[hash] = number
            return number
        }
    }
}
