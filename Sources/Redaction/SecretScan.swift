/// One pass over bytes: where secrets are, and from where on nothing is certain yet.
struct SecretScan {
    struct Found: Equatable {
        var range: Range<Int>
        let kind: SecretRedaction.Kind
    }

    /// In the order of the text, apart from each other.
    private(set) var found: [Found] = []
    /// Up to here the answer does not depend on what follows. All of it when nothing follows.
    private(set) var certainEnd: Int

    private let bytes: [UInt8]
    private let mayGoOn: Bool
    private var at: Int

    /// How far a value in quotes, a user's name or a name before a value is followed. Bytes.
    static let reach = 4096
    private static let nameReach = 80

    /// - Parameters:
    ///   - start: where to begin; what is before is only looked at.
    ///   - mayGoOn: whether more bytes may follow.
    init(_ bytes: [UInt8], from start: Int = 0, known: KnownSecrets, mayGoOn: Bool) {
        self.bytes = bytes
        self.mayGoOn = mayGoOn
        at = start
        certainEnd = bytes.count
        while at < bytes.count { step() }
        merge(known)
        if let cut = found.first(where: { $0.range.upperBound > certainEnd }) {
            certainEnd = min(certainEnd, cut.range.lowerBound)
        }
        found.removeAll { $0.range.upperBound > certainEnd }
    }

    private mutating func merge(_ known: KnownSecrets) {
        let (ranges, open) = known.find(in: bytes)
        if mayGoOn { certainEnd = min(certainEnd, bytes.count - open) }
        guard !ranges.isEmpty else { return }
        found = Self.merged(found + ranges.map { Found(range: $0, kind: .knownSecret) })
    }

    /// In the order of the text; what overlaps is one.
    static func merged(_ all: [Found]) -> [Found] {
        var found: [Found] = []
        for secret in all.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard let last = found.last, secret.range.lowerBound < last.range.upperBound else {
                found.append(secret)
                continue
            }
            let whole = last.range.lowerBound..<max(last.range.upperBound, secret.range.upperBound)
            let kind = last.kind == .knownSecret || secret.kind == .knownSecret ? .knownSecret : last.kind
            found[found.count - 1] = Found(range: whole, kind: kind)
        }
        return found
    }

    private mutating func step() {
        let byte = bytes[at]
        switch byte {
        case UInt8(ascii: "-"): if privateKey() { return }
        case UInt8(ascii: "="), UInt8(ascii: ":"): if namedValue() || urlPassword() { return }
        case 0x20: if announcedValue() { return }
        default: if token(byte) { return }
        }
        at += 1
    }

    /// From there on nothing is certain until more has come.
    private mutating func isOpen(from start: Int) {
        if mayGoOn { certainEnd = min(certainEnd, start) }
    }

    private mutating func add(_ range: Range<Int>, _ kind: SecretRedaction.Kind) {
        found.append(Found(range: range, kind: kind))
        at = range.upperBound
        if range.upperBound == bytes.count { isOpen(from: range.lowerBound) }
    }

    private func sees(_ text: [UInt8], at start: Int) -> Bool {
        start + text.count <= bytes.count && bytes[start..<start + text.count].elementsEqual(text)
    }

    /// Whether the bytes end here with the beginning of a text.
    private func endsWithBeginning(of text: [UInt8], at start: Int) -> Bool {
        bytes.count - start < text.count && text.starts(with: bytes[start...])
    }

    // MARK: Private keys

    private static let begin = Array("-----BEGIN ".utf8)
    private static let end = Array("-----END ".utf8)
    private static let keyWords = Array("PRIVATE KEY".utf8)
    private static let dashes = Array("-----".utf8)
    /// A key is not longer than that. Bytes.
    static let keyReach = 64 * 1024

    /// `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text.
    private mutating func privateKey() -> Bool {
        guard sees(Self.begin, at: at) else {
            if endsWithBeginning(of: Self.begin, at: at) { isOpen(from: at) }
            return false
        }
        let limit = min(bytes.count, at + 100)
        var close = at + Self.begin.count
        while close < limit, bytes[close] != UInt8(ascii: "-"), bytes[close] != 10 { close += 1 }
        guard close < limit else {
            if close == bytes.count { isOpen(from: at) }
            return false
        }
        let label = bytes[(at + Self.begin.count)..<close]
        guard contains(label, Self.keyWords) else { return false }
        var place = close
        let last = min(bytes.count, at + Self.keyReach)
        while place < last {
            if bytes[place] == UInt8(ascii: "-"), sees(Self.end, at: place) {
                var stop = place + Self.end.count
                while stop < bytes.count, bytes[stop] != UInt8(ascii: "-"), bytes[stop] != 10 { stop += 1 }
                while stop < bytes.count, bytes[stop] == UInt8(ascii: "-") { stop += 1 }
                add(at..<stop, .privateKey)
                return true
            }
            place += 1
        }
        add(at..<last, .privateKey)
        return true
    }

    private func contains(_ text: ArraySlice<UInt8>, _ part: [UInt8]) -> Bool {
        guard text.count >= part.count else { return false }
        return (text.startIndex...(text.endIndex - part.count)).contains {
            bytes[$0..<$0 + part.count].elementsEqual(part)
        }
    }

    // MARK: Tokens

    /// Whether a token may begin here: at the beginning of a word, or behind what only looks like a part of one, the end of an
    /// escape sequence (`ESC[32m`), of an escape in a string (`\\n`), of a coded byte (`%3D`).
    private var mayBegin: Bool {
        guard at > 0, Characters.isWord(bytes[at - 1]) else { return true }
        if at > 1, bytes[at - 2] == UInt8(ascii: "\\") { return true }
        if at > 2, bytes[at - 3] == UInt8(ascii: "%") { return true }
        var back = at - 2
        let limit = max(0, at - 24)
        while back >= limit, (0x20...0x3F).contains(bytes[back]) { back -= 1 }
        return back > 0 && bytes[back] == UInt8(ascii: "[") && bytes[back - 1] == 0x1B
    }

    private mutating func token(_ byte: UInt8) -> Bool {
        let shapes = TokenShape.byFirst[Int(byte)]
        guard !shapes.isEmpty, mayBegin else { return false }
        for shape in shapes {
            guard sees(shape.beginning, at: at) else {
                if endsWithBeginning(of: shape.beginning, at: at) { isOpen(from: at) }
                continue
            }
            var end = at + shape.beginning.count
            while end < bytes.count, shape.holds(bytes[end]) { end += 1 }
            if end == bytes.count { isOpen(from: at) }
            guard end - at - shape.beginning.count >= shape.minimum, shape.kind != .jsonWebToken || isWebToken(at..<end)
            else {
                continue
            }
            add(at..<end, shape.kind)
            return true
        }
        return false
    }

    /// Three parts, the first two of some length; the last may be missing (`alg: none`).
    private func isWebToken(_ range: Range<Int>) -> Bool {
        let parts = bytes[range].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count >= 3 && parts[0].count >= 8 && parts[1].count >= 4
    }

    // MARK: Values after names

    /// `NAME=value`, `name: value`, `"name": "value"`, `--password=value`.
    private mutating func namedValue() -> Bool {
        var nameEnd = at
        while nameEnd > 0, at - nameEnd < 4, Characters.isSpace(bytes[nameEnd - 1]) { nameEnd -= 1 }
        if nameEnd > 0, [34, 39].contains(bytes[nameEnd - 1]) { nameEnd -= 1 }
        if nameEnd > 0, bytes[nameEnd - 1] == UInt8(ascii: "\\") { nameEnd -= 1 }
        guard nameEnd > 0, SecretName.isSecret(name(endingAt: nameEnd)) else { return false }
        let isColon = bytes[at] == UInt8(ascii: ":")
        if !isColon, nameEnd == at, let line = lineValue(name: name(endingAt: nameEnd)) { return line }
        var start = at + 1
        // `=>` and `:=` too.
        if start < bytes.count, [UInt8(ascii: ">"), UInt8(ascii: "=")].contains(bytes[start]) { start += 1 }
        let limit = min(bytes.count, start + 16)
        while start < limit, Characters.isSpace(bytes[start]) { start += 1 }
        return value(from: start, minimum: isColon ? 4 : 1)
    }

    /// `NAME=value` as a line of its own, as `env` and .env files have it: the value goes to the line's end, blanks and all.
    /// Nil where it is no such line.
    private mutating func lineValue(name: ArraySlice<UInt8>) -> Bool? {
        var start = name.startIndex
        if start >= 7, bytes[(start - 7)..<start].elementsEqual("export ".utf8) { start -= 7 }
        guard start == 0 || bytes[start - 1] == 10, at + 1 < bytes.count, ![34, 39].contains(bytes[at + 1]) else {
            return nil
        }
        var end = at + 1
        while end < bytes.count, bytes[end] != 10, bytes[end] != 13 { end += 1 }
        if end == bytes.count { isOpen(from: at + 1) }
        guard end > at + 1, !SecretName.isPlaceholder(bytes[(at + 1)..<end]) else { return false }
        add((at + 1)..<end, .password)
        return true
    }

    private func name(endingAt end: Int) -> ArraySlice<UInt8> {
        var start = end
        while start > 0, end - start < Self.nameReach,
            Characters.isToken(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: ".")
        {
            start -= 1
        }
        return bytes[start..<end]
    }

    /// A value in quotes or up to a blank.
    private mutating func value(from first: Int, minimum: Int) -> Bool {
        var start = first
        // JSON within a string: \"name\": \"value\".
        let isEscaped = start < bytes.count && bytes[start] == UInt8(ascii: "\\")
        if isEscaped { start += 1 }
        var end = start
        if start < bytes.count, [34, 39].contains(bytes[start]) {
            let quote = bytes[start]
            start += 1
            end = start
            while end < bytes.count, bytes[end] != quote, bytes[end] != 10 {
                if bytes[end] == UInt8(ascii: "\\") {
                    if isEscaped, end + 1 < bytes.count, bytes[end + 1] == quote { break }
                    end += 1
                }
                end += 1
            }
            end = min(end, bytes.count)
        } else {
            while end < bytes.count, !Characters.endsValue(bytes[end]) { end += 1 }
            while end > start,
                [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ")"), UInt8(ascii: "}")].contains(bytes[end - 1])
            {
                end -= 1
            }
        }
        if end == bytes.count, start < end { isOpen(from: start) }
        guard end - start >= minimum, !SecretName.isPlaceholder(bytes[start..<end]) else { return false }
        add(start..<end, .password)
        return true
    }

    private static let announcements: [(word: [UInt8], kind: SecretRedaction.Kind, minimum: Int)] = [
        (Array("bearer".utf8), .bearerToken, 12), (Array("authorization: basic".utf8), .bearerToken, 8),
        (Array("authorization: token".utf8), .bearerToken, 8),
        (Array("--password".utf8), .password, 1), (Array("--passphrase".utf8), .password, 1),
        (Array("--token".utf8), .password, 8), (Array("--secret".utf8), .password, 4),
        (Array("--api-key".utf8), .password, 4),
        (Array("identified by".utf8), .password, 3), (Array("sshpass -p".utf8), .password, 1),
    ]

    /// A blank after a word that announces a secret: `Bearer …`, `--password …`.
    private mutating func announcedValue() -> Bool {
        for announcement in Self.announcements {
            let count = announcement.word.count
            guard at >= count, at == count || !Characters.isWord(bytes[at - count - 1]),
                bytes[(at - count)..<at].elementsEqual(announcement.word, by: { Characters.lowercased($0) == $1 })
            else { continue }
            let start = at + 1
            if announcement.kind == .password { return value(from: start, minimum: announcement.minimum) }
            var end = start
            while end < bytes.count, Characters.isBearer(bytes[end]) { end += 1 }
            if end == bytes.count { isOpen(from: start) }
            guard end - start >= announcement.minimum, bytes[start..<end].contains(where: { $0 < 65 }) else {
                return false
            }
            add(start..<end, announcement.kind)
            return true
        }
        return false
    }

    /// `scheme://user:password@host`: the password alone.
    private mutating func urlPassword() -> Bool {
        guard at + 2 < bytes.count, at > 0, Characters.isWord(bytes[at - 1]) else { return false }
        guard bytes[at + 1] == UInt8(ascii: "/"), bytes[at + 2] == UInt8(ascii: "/") else { return false }
        let limit = min(bytes.count, at + 3 + Self.reach)
        var colon: Int?
        var end = at + 3
        while end < limit {
            let byte = bytes[end]
            if byte == UInt8(ascii: "@") { break }
            if byte <= 0x20 || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
                || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
            {
                return false
            }
            if byte == UInt8(ascii: ":"), colon == nil { colon = end }
            end += 1
        }
        guard let colon else { return false }
        if end == bytes.count { isOpen(from: colon + 1) }
        guard end < limit, end > colon + 1, !SecretName.isPlaceholder(bytes[(colon + 1)..<end]) else { return false }
        add((colon + 1)..<end, .urlPassword)
        return true
    }
}
