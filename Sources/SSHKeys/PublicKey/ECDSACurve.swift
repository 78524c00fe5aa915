/// A curve of RFC 5656 §10.1; the raw value is its name in a key blob.
public enum ECDSACurve: String, CaseIterable, Sendable, Hashable {
    case p256 = "nistp256"
    case p384 = "nistp384"
    case p521 = "nistp521"

    /// The key type and signature algorithm: "ecdsa-sha2-nistp256" and so on.
    public var algorithm: String { "ecdsa-sha2-" + rawValue }

    /// Bits of the field.
    public var bits: Int {
        switch self {
        case .p256: 256
        case .p384: 384
        case .p521: 521
        }
    }

    /// Bytes of a coordinate, and of each half of a signature.
    public var coordinateLength: Int { (bits + 7) / 8 }

    init?(algorithm: String) {
        guard let curve = Self.allCases.first(where: { $0.algorithm == algorithm }) else { return nil }
        self = curve
    }
}
