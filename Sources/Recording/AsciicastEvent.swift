/// One line of an asciicast file.
public struct AsciicastEvent: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// "o"
        case output([UInt8])
        /// "i"
        case input([UInt8])
        /// "r"
        case resize(columns: Int, rows: Int)
        /// "m", with its label
        case marker(String)
        /// "x", the status that the recorded program ended with
        case exit(Int)
        /// A code that is not known here, which readers pass over
        case other(String)
    }

    /// Microseconds since the start, never less than that of the event before.
    public let time: Int64
    public let kind: Kind

    public init(time: Int64, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}

extension AsciicastEvent.Kind {
    init(code: String, data: [UInt8]) {
        switch code {
        case "o": self = .output(data)
        case "i": self = .input(data)
        case "m": self = .marker(String(decoding: data, as: UTF8.self))
        case "x": self = .exit(Int(String(decoding: data, as: UTF8.self)) ?? 0)
        case "r":
            let numbers = String(decoding: data, as: UTF8.self).split(separator: "x").map { Int($0) }
            guard numbers.count == 2, let columns = numbers[0], let rows = numbers[1],
                (1...10_000).contains(columns), (1...10_000).contains(rows)
            else {
                self = .other(code)
                return
            }
            self = .resize(columns: columns, rows: rows)
        default: self = .other(code)
        }
    }
}

/// Reads `[time, "code", "data"]`. Strict: anything else makes the line none.
struct AsciicastLine {
    /// Microseconds.
    let time: Int64
    let code: String
    let data: [UInt8]

    private struct Wrong: Error {}

    init?(_ line: ArraySlice<UInt8>) {
        var scanner = Scanner(rest: line)
        do {
            try scanner.take(UInt8(ascii: "["))
            time = try scanner.seconds()
            try scanner.take(UInt8(ascii: ","))
            code = String(decoding: try scanner.string(), as: UTF8.self)
            try scanner.take(UInt8(ascii: ","))
            data = try scanner.string()
            try scanner.take(UInt8(ascii: "]"))
            scanner.skipBlanks()
            guard scanner.rest.isEmpty else { return nil }
        } catch { return nil }
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        mutating func skipBlanks() {
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
        }

        mutating func take(_ byte: UInt8) throws {
            skipBlanks()
            guard rest.popFirst() == byte else { throw Wrong() }
        }

        /// A JSON number as microseconds, exactly where it has at most six decimals.
        mutating func seconds() throws -> Int64 {
            skipBlanks()
            let text = rest.prefix { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
            rest = rest.dropFirst(text.count)
            let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            if text.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }), parts.count <= 2,
                let whole = parts.first, (1...12).contains(whole.count),
                parts.count == 1 || (1...6).contains(parts[1].count)
            {
                var value = whole.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
                let decimals = parts.count == 2 ? parts[1] : []
                for index in 0..<6 {
                    let place = decimals.startIndex + index
                    value = value * 10 + (place < decimals.endIndex ? Int64(decimals[place] - 0x30) : 0)
                }
                return value
            }
            guard let value = Double(String(decoding: text, as: UTF8.self)), value >= 0, value < 1e12 else {
                throw Wrong()
            }
            return Int64((value * 1_000_000).rounded())
        }

        mutating func string() throws -> [UInt8] {
            try take(UInt8(ascii: "\""))
            var bytes: [UInt8] = []
            bytes.reserveCapacity(rest.count)
            while true {
                let plain = rest.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
                bytes.append(contentsOf: plain)
                rest = rest.dropFirst(plain.count)
                switch rest.popFirst() {
                case UInt8(ascii: "\""): return bytes
                case UInt8(ascii: "\\"): try escape(&bytes)
                default: throw Wrong()
                }
            }
        }

        private mutating func escape(_ bytes: inout [UInt8]) throws {
            switch rest.popFirst() {
            case UInt8(ascii: "\""): bytes.append(UInt8(ascii: "\""))
            case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "/"): bytes.append(UInt8(ascii: "/"))
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "u"): try unicode(&bytes)
            default: throw Wrong()
            }
        }

        private mutating func unicode(_ bytes: inout [UInt8]) throws {
            var value = try hexadecimal()
            if (0xD800..<0xDC00).contains(value), rest.starts(with: "\\u".utf8) {
                let before = rest
                rest = rest.dropFirst(2)
                let low = try hexadecimal()
                if (0xDC00..<0xE000).contains(low) {
                    value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    rest = before
                }
            }
            // A half of a pair alone is no character.
            let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
            bytes.append(contentsOf: String(Character(scalar)).utf8)
        }

        private mutating func hexadecimal() throws -> UInt32 {
            let digits = rest.prefix(4)
            rest = rest.dropFirst(4)
            guard digits.count == 4, let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
                digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-")
            else { throw Wrong() }
            return value
        }
    }
}
