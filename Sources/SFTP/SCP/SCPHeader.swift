// The control lines of the old scp protocol. Nothing in them is believed: names are single safe components, modes lose
// the bits that give identities away, sizes fit a file.

/// "C0644 12 name", "D0755 0 name", "E" or "T1 0 2 0".
enum SCPHeader: Hashable {
    case file(mode: UInt32, size: UInt64, name: RemotePath)
    case directory(mode: UInt32, name: RemotePath)
    case endOfDirectory
    case times(FileAttributes.Times)

    init(_ line: [UInt8]) throws(SFTPError) {
        guard let first = line.first else { throw Self.malformed }
        let rest = line.dropFirst()
        switch first {
        case UInt8(ascii: "C"), UInt8(ascii: "D"):
            let parts = rest.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].count == 4, let mode = Self.number(parts[0], base: 8),
                let size = Self.number(parts[1], base: 10), size <= UInt64(Int64.max)
            else { throw Self.malformed }
            let name = RemotePath(bytes: Array(parts[2]))
            // The name is the other end's word: one that leads elsewhere was never asked for.
            guard name.isSafeComponent else { throw .unsafeName(name, in: ".") }
            let permissions = UInt32(mode) & 0o777
            self =
                first == UInt8(ascii: "C")
                ? .file(mode: permissions, size: size, name: name) : .directory(mode: permissions, name: name)
        case UInt8(ascii: "E") where rest.isEmpty: self = .endOfDirectory
        case UInt8(ascii: "T"):
            let parts = rest.split(separator: UInt8(ascii: " ")).map { Self.number($0, base: 10) }
            guard parts.count == 4, let modified = parts[0], let accessed = parts[2], parts[1] != nil, parts[3] != nil
            else { throw Self.malformed }
            self = .times(.init(accessed: UInt32(clamping: accessed), modified: UInt32(clamping: modified)))
        default: throw Self.malformed
        }
    }

    var line: [UInt8] {
        switch self {
        case .file(let mode, let size, let name): Array("C\(Self.octal(mode)) \(size) ".utf8) + name.bytes + [10]
        case .directory(let mode, let name): Array("D\(Self.octal(mode)) 0 ".utf8) + name.bytes + [10]
        case .endOfDirectory: Array("E\n".utf8)
        case .times(let times): Array("T\(times.modified) 0 \(times.accessed) 0\n".utf8)
        }
    }

    private static let malformed = SFTPError.protocolError("The other end of scp sent a line that means nothing.")

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode & 0o777, radix: 8)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// Digits alone: no sign, no space, at most what fits.
    private static func number(_ digits: ArraySlice<UInt8>, base: UInt64) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 20 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= 0x30, UInt64(digit) < 0x30 + base else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: base)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit) - 0x30)
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
