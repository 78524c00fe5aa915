/// Every way to cut a small file short, and to change one of its bytes.
enum Damage {
    static func cuts(_ bytes: [UInt8]) -> [[UInt8]] { bytes.indices.map { Array(bytes.prefix($0)) } }

    /// Each byte with its lowest bit, its highest bit, and all of its bits turned.
    static func flips(_ bytes: [UInt8]) -> [[UInt8]] {
        bytes.indices.flatMap { index in
            ([0x01, 0x80, 0xff] as [UInt8]).map { mask in
                var changed = bytes
                changed[index] ^= mask
                return changed
            }
        }
    }

    static func all(_ bytes: [UInt8]) -> [[UInt8]] { cuts(bytes) + flips(bytes) }
}
