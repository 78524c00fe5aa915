import Crypto

extension SSHPublicKey {
    /// "SHA256:" and the digest of the blob in base64 without padding, as `ssh-keygen -l` prints it.
    public var fingerprint: String {
        let text = Base64.encode(Array(SHA256.hash(data: blob)))
        return "SHA256:" + text.prefix { $0 != "=" }
    }

    /// "MD5:" and 16 pairs of hexadecimal digits, as `ssh-keygen -l -E md5` prints it. Only for comparing with old
    /// notes.
    public var md5Fingerprint: String {
        let pairs = Insecure.MD5.hash(data: blob).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return "MD5:" + pairs.joined(separator: ":")
    }

    /// The picture that `ssh-keygen -lv` draws of the SHA-256 fingerprint: 11 lines of 19 characters, joined by line
    /// feeds.
    public var randomart: String {
        Randomart(digest: Array(SHA256.hash(data: blob))).drawn(title: "\(typeName) \(bits)", footer: "SHA256")
    }
}

/// The walk of the "drunken bishop": two bits of the digest for each diagonal step over a board that its edges bound;
/// each field counts how often he came by.
struct Randomart {
    private static let width = 17
    private static let height = 9
    /// What is drawn for a field by the number of visits; the last two mark start and end.
    private static let symbols: [Character] = Array(" .o+=*BOX@%&#/^SE")

    private var board = [[Int]](repeating: [Int](repeating: 0, count: width), count: height)

    init(digest: [UInt8]) {
        let start = Self.symbols.count - 2
        let end = Self.symbols.count - 1
        var x = Self.width / 2
        var y = Self.height / 2
        for byte in digest {
            for shift in [0, 2, 4, 6] {
                let step = byte >> UInt8(shift)
                x = min(max(x + (step & 1 == 1 ? 1 : -1), 0), Self.width - 1)
                y = min(max(y + (step & 2 == 2 ? 1 : -1), 0), Self.height - 1)
                if board[y][x] < start - 1 { board[y][x] += 1 }
            }
        }
        board[Self.height / 2][Self.width / 2] = start
        board[y][x] = end
    }

    func drawn(title: String, footer: String) -> String {
        let rows = board.map { row in
            "|" + String(row.map { Self.symbols[$0] }) + "|"
        }
        return ([Self.border("[\(title)]")] + rows + [Self.border("[\(footer)]")]).joined(separator: "\n")
    }

    private static func border(_ label: String) -> String {
        let left = max(width - label.count, 0) / 2
        let right = max(width - label.count - left, 0)
        return "+" + String(repeating: "-", count: left) + label + String(repeating: "-", count: right) + "+"
    }
}
