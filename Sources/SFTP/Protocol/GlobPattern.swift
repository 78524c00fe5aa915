// Patterns of names as shells and glob(7) have them: "*", "?" and "[…]", with a backslash before what is meant literally.

/// A pattern for one component of a path.
///
/// It is matched without backtracking beyond the last "*", so that no pattern and no name takes long.
public struct GlobPattern: Sendable, Hashable {
    fileprivate enum Part: Hashable {
        case byte(UInt8)
        case anyCharacter
        case anyText
        case set([ClosedRange<UInt8>], isNegated: Bool)
    }

    private var parts: [Part] = []

    /// - Parameter pattern: Bytes of UTF-8. A "[" that nothing closes, and a backslash at the end, mean themselves.
    public init(_ pattern: [UInt8]) {
        var index = 0
        while index < pattern.count {
            let byte = pattern[index]
            index += 1
            switch byte {
            case UInt8(ascii: "*"): if parts.last != .anyText { parts.append(.anyText) }
            case UInt8(ascii: "?"): parts.append(.anyCharacter)
            case UInt8(ascii: "\\") where index < pattern.count:
                parts.append(.byte(pattern[index]))
                index += 1
            case UInt8(ascii: "["):
                if let (set, end) = Self.set(pattern, from: index) {
                    parts.append(set)
                    index = end
                } else {
                    parts.append(.byte(byte))
                }
            default: parts.append(.byte(byte))
            }
        }
    }

    /// Whether it means other names than the one it spells.
    public var isPattern: Bool { parts.contains { if case .byte = $0 { false } else { true } } }

    /// What it spells, with backslashes taken out; for a pattern, nil.
    public var literal: [UInt8]? {
        var bytes: [UInt8] = []
        for part in parts {
            guard case .byte(let byte) = part else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Puts a backslash before every byte that a pattern would read otherwise.
    public static func escaped(_ name: [UInt8]) -> [UInt8] {
        name.flatMap { "*?[\\".utf8.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
    }

    /// As a shell does, a name that begins with "." is meant only by a pattern that spells the dot.
    public func matches(_ name: [UInt8]) -> Bool {
        if name.first == UInt8(ascii: "."), parts.first != .byte(UInt8(ascii: ".")) { return false }
        var (part, place) = (0, 0)
        var retry: (part: Int, place: Int)?
        while place < name.count {
            if part < parts.count {
                if parts[part] == .anyText {
                    retry = (part, place)
                    part += 1
                    continue
                }
                if let length = parts[part].length(in: name, at: place) {
                    part += 1
                    place += length
                    continue
                }
            }
            guard let last = retry else { return false }
            retry = (last.part, last.place + 1)
            (part, place) = (last.part + 1, last.place + 1)
        }
        return parts[part...].allSatisfy { $0 == .anyText }
    }

    /// "[a-z]" from behind its "[": the set, and where the pattern goes on.
    private static func set(_ pattern: [UInt8], from start: Int) -> (Part, Int)? {
        var index = start
        var ranges: [ClosedRange<UInt8>] = []
        var isNegated = false
        if index < pattern.count, pattern[index] == UInt8(ascii: "!") || pattern[index] == UInt8(ascii: "^") {
            isNegated = true
            index += 1
        }
        let first = index
        while index < pattern.count, pattern[index] != UInt8(ascii: "]") || index == first {
            guard pattern[index] != UInt8(ascii: "/") else { return nil }
            if pattern[index] == UInt8(ascii: "\\"), index + 1 < pattern.count { index += 1 }
            let low = pattern[index]
            index += 1
            guard index + 1 < pattern.count, pattern[index] == UInt8(ascii: "-"),
                pattern[index + 1] != UInt8(ascii: "]")
            else {
                ranges.append(low...low)
                continue
            }
            index += 1
            if pattern[index] == UInt8(ascii: "\\"), index + 1 < pattern.count { index += 1 }
            let high = pattern[index]
            index += 1
            if low <= high { ranges.append(low...high) }
        }
        guard index < pattern.count else { return nil }
        return (.set(ranges, isNegated: isNegated), index + 1)
    }
}

extension GlobPattern.Part {
    /// How many bytes of the name it takes here; nil when it does not fit.
    fileprivate func length(in name: [UInt8], at place: Int) -> Int? {
        let byte = name[place]
        switch self {
        case .byte(let wanted): return byte == wanted ? 1 : nil
        case .anyText: return nil
        case .anyCharacter: return Self.characterLength(in: name, at: place)
        case .set(let ranges, let isNegated):
            guard byte < 0x80 || isNegated else { return nil }
            guard ranges.contains(where: { $0.contains(byte) }) != isNegated else { return nil }
            return Self.characterLength(in: name, at: place)
        }
    }

    /// A character of UTF-8 is one; a byte that belongs to none is one too.
    private static func characterLength(in name: [UInt8], at place: Int) -> Int {
        let expected =
            switch name[place] {
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 1
            }
        guard place + expected <= name.count else { return 1 }
        return name[(place + 1)..<(place + expected)].allSatisfy { $0 & 0xC0 == 0x80 } ? expected : 1
    }
}
