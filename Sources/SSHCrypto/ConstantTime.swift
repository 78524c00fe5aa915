import CSSHCipher

/// Whether two secrets are the same, in a time that depends on their lengths alone.
///
/// Lengths are not secret: different lengths answer at once.
public func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return a.withUnsafeBufferPointer { first in
        b.withUnsafeBufferPointer { second in
            guard let left = first.baseAddress, let right = second.baseAddress, !first.isEmpty else { return true }
            return ssh_constant_time_equals(left, right, first.count) == 1
        }
    }
}

/// Overwrites `bytes` with zeros in place, in a way that the optimiser keeps.
///
/// Other copies of the array, if there are any, keep their content.
public func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { raw in
        guard let base = raw.baseAddress else { return }
        ssh_wipe(base, raw.count)
    }
}
