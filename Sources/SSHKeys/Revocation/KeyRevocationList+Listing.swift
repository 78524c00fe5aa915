import Crypto

extension KeyRevocationList {
    /// One thing that is revoked.
    public enum Item: Sendable, Hashable {
        case key(SSHPublicKey)
        /// A key of a type that is not known here, by its blob.
        case unknownKey([UInt8])
        /// "SHA256:…" as `ssh-keygen -l` prints it.
        case fingerprint(String)
        /// A digest of 20 bytes, of the key's blob.
        case sha1Digest([UInt8])
        /// Certificates by number; `authority` is nil for every authority.
        case serials(ClosedRange<UInt64>, authority: SSHPublicKey?)
        /// So many certificates within that range, as a map of bits names them.
        case scatteredSerials(count: Int, within: ClosedRange<UInt64>, authority: SSHPublicKey?)
        case keyID(String, authority: SSHPublicKey?)
    }

    /// What is on the list, in the order of the file.
    public var items: [Item] {
        var items: [Item] = []
        for (blob, revoked) in certificates.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let authority = blob.isEmpty ? nil : try? SSHPublicKey(wire: blob)
            items += revoked.serials.ranges.map { .serials($0, authority: authority) }
            items += revoked.serials.bitmaps.compactMap { bitmap in
                let bits = UInt64(bitmap.bytes.count) * 8
                let (end, overflows) = bitmap.offset.addingReportingOverflow(max(bits, 1) - 1)
                let count = bitmap.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
                return .scatteredSerials(
                    count: count, within: bitmap.offset...(overflows ? .max : end), authority: authority)
            }
            items += Self.sorted(revoked.keyIDs).map {
                .keyID(String(decoding: $0, as: UTF8.self), authority: authority)
            }
        }
        items += Self.sorted(keys).map { blob in
            do throws(SSHKeyError) { return .key(try SSHPublicKey(wire: blob)) } catch { return .unknownKey(blob) }
        }
        items += Self.sorted(sha256Digests).map { .fingerprint("SHA256:" + Base64.encode($0).prefix { $0 != "=" }) }
        items += Self.sorted(sha1Digests).map { .sha1Digest($0) }
        return items
    }

    /// Revokes a key by its SHA-1 digest, for readers that know no better one.
    public mutating func revoke(sha1Of key: SSHPublicKey) {
        sha1Digests.insert(Array(Insecure.SHA1.hash(data: key.blob)))
    }

    private static func sorted(_ set: Set<[UInt8]>) -> [[UInt8]] {
        set.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
