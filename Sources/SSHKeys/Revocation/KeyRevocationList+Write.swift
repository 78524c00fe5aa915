extension KeyRevocationList {
    /// The list as a file that `ssh-keygen -Q` and sshd read. The same list gives the same bytes.
    public var file: [UInt8] {
        var writer = WireWriter()
        writer.writeUInt64(RevocationFormat.magic)
        writer.writeUInt32(RevocationFormat.version)
        writer.writeUInt64(version)
        writer.writeUInt64(generated)
        writer.writeUInt64(0)
        writer.writeString([])
        writer.writeString(comment)
        for (authority, revoked) in Self.sorted(certificates) {
            writer.write(.certificates) { $0.write(revoked, of: authority) }
        }
        for (kind, set) in [
            (RevocationFormat.Section.explicitKey, keys), (.fingerprintSHA256, sha256Digests),
            (.fingerprintSHA1, sha1Digests),
        ] where !set.isEmpty {
            writer.write(kind) { $0.writeSorted(set) }
        }
        return writer.bytes
    }

    private static func sorted(
        _ certificates: [[UInt8]: RevokedCertificates]
    ) -> [([UInt8], RevokedCertificates)] {
        certificates.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }
}

extension WireWriter {
    fileprivate mutating func write(_ section: RevocationFormat.Section, _ body: (inout WireWriter) -> Void) {
        writeSection(section.rawValue, body)
    }

    private mutating func write(
        _ section: RevocationFormat.CertificateSection, _ body: (inout WireWriter) -> Void
    ) {
        writeSection(section.rawValue, body)
    }

    private mutating func writeSection(_ number: UInt8, _ body: (inout WireWriter) -> Void) {
        var inner = WireWriter()
        body(&inner)
        writeUInt8(number)
        writeString(inner.bytes)
    }

    fileprivate mutating func writeSorted(_ strings: Set<[UInt8]>) {
        for string in strings.sorted(by: { $0.lexicographicallyPrecedes($1) }) { writeString(string) }
    }

    fileprivate mutating func write(_ revoked: KeyRevocationList.RevokedCertificates, of authority: [UInt8]) {
        writeString(authority)
        writeString([])
        for group in SerialGroup.groups(of: revoked.serials.ranges) { write(group) }
        for bitmap in revoked.serials.bitmaps { write(bitmap) }
        if !revoked.keyIDs.isEmpty { write(.keyID) { $0.writeSorted(revoked.keyIDs) } }
    }

    private mutating func write(_ group: SerialGroup) {
        switch group {
        case .range(let range):
            write(.serialRange) {
                $0.writeUInt64(range.lowerBound)
                $0.writeUInt64(range.upperBound)
            }
        case .list(let serials):
            write(.serialList) { for serial in serials { $0.writeUInt64(serial) } }
        case .bitmap(let bitmap): write(bitmap)
        }
    }

    private mutating func write(_ bitmap: SerialNumbers.Bitmap) {
        write(.serialBitmap) {
            $0.writeUInt64(bitmap.offset)
            $0.writeMPInt(bitmap.bytes)
        }
    }
}

/// How neighbouring serial numbers are written with few bytes.
private enum SerialGroup {
    case range(ClosedRange<UInt64>)
    case list([UInt64])
    case bitmap(SerialNumbers.Bitmap)

    /// A range takes 16 bytes, a number in a list 8, one in a bitmap as many bits as it is away from the one before:
    /// short runs that lie closer than 64 to each other go into a bitmap where there are enough of them.
    private static let longRun: UInt64 = 128
    private static let nearby: UInt64 = 64
    private static let enough = 4
    /// Bits of the largest bitmap that is written.
    private static let maximumSpan: UInt64 = 1 << 20

    static func groups(of ranges: [ClosedRange<UInt64>]) -> [SerialGroup] {
        var groups: [SerialGroup] = []
        // Behind the others: a list that is read and written again then gives the same bytes.
        var bitmaps: [SerialGroup] = []
        var cluster: [ClosedRange<UInt64>] = []
        var singles: [UInt64] = []
        func flush() {
            if cluster.count >= enough {
                bitmaps.append(bitmap(of: cluster))
            } else {
                for range in cluster {
                    if range.lowerBound == range.upperBound {
                        singles.append(range.lowerBound)
                    } else {
                        groups.append(.range(range))
                    }
                }
            }
            cluster = []
        }
        for range in ranges {
            if range.upperBound - range.lowerBound >= longRun {
                flush()
                groups.append(.range(range))
                continue
            }
            if let first = cluster.first, let last = cluster.last,
                range.lowerBound - last.upperBound > nearby || range.upperBound - first.lowerBound >= maximumSpan
            {
                flush()
            }
            cluster.append(range)
        }
        flush()
        if !singles.isEmpty { groups.append(.list(singles)) }
        return groups + bitmaps
    }

    private static func bitmap(of cluster: [ClosedRange<UInt64>]) -> SerialGroup {
        guard let first = cluster.first, let last = cluster.last else { return .list([]) }
        let offset = first.lowerBound
        let count = Int((last.upperBound - offset) / 8) + 1
        var bytes = [UInt8](repeating: 0, count: count)
        for serial in cluster.joined() {
            let bit = serial - offset
            bytes[count - 1 - Int(bit / 8)] |= 1 << UInt8(bit % 8)
        }
        return .bitmap(SerialNumbers.Bitmap(offset: offset, bytes: bytes))
    }
}
