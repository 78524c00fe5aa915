/// The numbers of PROTOCOL.krl.
enum RevocationFormat {
    static let magic: UInt64 = 0x5353_484b_524c_0a00
    static let version: UInt32 = 1

    enum Section: UInt8 {
        case certificates = 1
        case explicitKey = 2
        case fingerprintSHA1 = 3
        case signature = 4
        case fingerprintSHA256 = 5
        case extensions = 255
    }

    enum CertificateSection: UInt8 {
        case serialList = 0x20
        case serialRange = 0x21
        case serialBitmap = 0x22
        case keyID = 0x23
        case extensions = 0x39
    }
}

extension KeyRevocationList {
    /// Reads a revocation list, or the other thing that sshd's RevokedKeys takes: a text with a public key on each line.
    ///
    /// Throws `malformed` for a damaged list, `unsupported` for one with an extension that is critical and unknown. A
    /// list that can't be read whole is not read at all: half of it would let revoked keys in.
    public init(file: [UInt8]) throws(SSHKeyError) {
        guard file.count <= Self.maximumFileLength else {
            throw .malformed("a revocation list of \(file.count) bytes is longer than any")
        }
        var reader = WireReader(file)
        guard (try? reader.uint64()) == RevocationFormat.magic else {
            try self.init(publicKeys: file)
            return
        }
        guard try reader.uint32() == RevocationFormat.version else {
            throw .unsupported("The version of this revocation list", hint: Self.rewrite)
        }
        self.init()
        version = try reader.uint64()
        generated = try reader.uint64()
        _ = try reader.uint64()  // flags: none are defined
        _ = try reader.string()  // reserved
        comment = try reader.utf8String()
        // Sorted once at the end: a list of a million ranges must not be sorted a million times.
        var serials: [[UInt8]: [ClosedRange<UInt64>]] = [:]
        while !reader.isAtEnd {
            let number = try reader.uint8()
            guard let section = RevocationFormat.Section(rawValue: number) else {
                throw .malformed("a revocation list has a section of the unknown kind \(number)")
            }
            try read(section, WireReader(try reader.string()), serials: &serials)
        }
        for (authority, ranges) in serials {
            certificates[authority, default: RevokedCertificates()].serials.insert(contentsOf: ranges)
        }
    }

    private static let rewrite = "Write it anew with: ssh-keygen -k -f LIST …"

    private init(publicKeys file: [UInt8]) throws(SSHKeyError) {
        guard String(validating: file, as: UTF8.self) != nil else {
            throw .malformed("it is neither a revocation list nor a text of public keys")
        }
        self.init()
        for line in TextLine.lines(of: file) {
            revoke(try SSHPublicKey(authorizedKeysLine: String(decoding: line.content, as: UTF8.self)))
        }
    }

    private mutating func read(
        _ section: RevocationFormat.Section, _ content: WireReader, serials: inout [[UInt8]: [ClosedRange<UInt64>]]
    ) throws(SSHKeyError) {
        var content = content
        switch section {
        case .certificates:
            let authority = try content.string()
            _ = try content.string()  // reserved
            while !content.isAtEnd {
                try readCertificates(
                    of: authority, &content, serials: &serials[authority, default: []])
            }
        case .explicitKey: try Self.readStrings(&content, into: &keys, length: nil)
        case .fingerprintSHA1: try Self.readStrings(&content, into: &sha1Digests, length: 20)
        case .fingerprintSHA256: try Self.readStrings(&content, into: &sha256Digests, length: 32)
        // A list is believed for the file it comes from; OpenSSH does not look at signatures any more either.
        case .signature: break
        case .extensions: try Self.skipExtension(&content)
        }
    }

    private mutating func readCertificates(
        of authority: [UInt8], _ content: inout WireReader, serials: inout [ClosedRange<UInt64>]
    ) throws(SSHKeyError) {
        let number = try content.uint8()
        guard let kind = RevocationFormat.CertificateSection(rawValue: number) else {
            throw .malformed("a revocation list has certificates of the unknown kind \(number)")
        }
        var part = WireReader(try content.string())
        switch kind {
        case .serialList:
            while !part.isAtEnd {
                let serial = try part.uint64()
                serials.append(serial...serial)
            }
        case .serialRange:
            let first = try part.uint64()
            let last = try part.uint64()
            guard first <= last else { throw .malformed("a revocation list has a range that ends before it begins") }
            serials.append(first...last)
            try part.expectEnd(of: "a range of serial numbers")
        case .serialBitmap:
            let bitmap = SerialNumbers.Bitmap(offset: try part.uint64(), bytes: try part.mpint())
            certificates[authority, default: RevokedCertificates()].serials.insert(bitmap)
            try part.expectEnd(of: "a bitmap of serial numbers")
        case .keyID:
            try Self.readStrings(
                &part, into: &certificates[authority, default: RevokedCertificates()].keyIDs, length: nil)
        case .extensions: try Self.skipExtension(&part)
        }
    }

    private static func readStrings(
        _ reader: inout WireReader, into set: inout Set<[UInt8]>, length: Int?
    ) throws(SSHKeyError) {
        while !reader.isAtEnd {
            let content = try reader.string()
            guard length == nil || content.count == length else {
                throw .malformed("a revocation list has a digest of \(content.count) bytes")
            }
            set.insert(content)
        }
    }

    private static func skipExtension(_ reader: inout WireReader) throws(SSHKeyError) {
        let name = try reader.utf8String()
        guard try !reader.boolean() else {
            throw .unsupported("The extension “\(Printable.text(name))” of a revocation list", hint: rewrite)
        }
        _ = try reader.string()
        try reader.expectEnd(of: "an extension of a revocation list")
    }
}
