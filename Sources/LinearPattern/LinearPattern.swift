/// A regular expression that is matched in time linear in the text: an automaton takes each character once, and nothing is
/// ever tried again. A pattern from an agent cannot hold up anything else.
///
/// Syntax: literals, `.`, `[…]` with ranges, `[:alpha:]` and negation, `\d \w \s \h \D \W \S` (ASCII, as in JavaScript),
/// `\p{L}` and other general categories, `^ $ \A \z \b \B`, groups `( ) (?: ) (?<name> )`, `|`, `* + ? {n} {n,} {n,m}` and
/// their lazy forms, flags `(?i) (?m) (?s)` alone or for a group, `\Q…\E`, `\t \n \r \f \v \e \a \0 \xHH \x{H} \uHHHH \u{H}
/// \cX`. Of several matches the leftmost counts, and of those the one that Perl and JavaScript would take. Back references and
/// look-around cannot be matched in linear time and are refused with a hint.
///
///     let pattern = try LinearPattern(#"error: (\w+)"#)
///     let range = pattern.firstMatch(in: "an error: disk full")
///
/// Streams: see `Search`.
public struct LinearPattern: Sendable {
    /// The pattern as it was written.
    public let text: String
    let program: Program

    /// - Parameters:
    ///   - pattern: at most `maximumLength` bytes.
    ///   - ignoresCase: as if it began with `(?i)`.
    ///   - anchorsMatchAtLines: as if it began with `(?m)`: `^` and `$` hold at the borders of lines too.
    public init(
        _ pattern: String, ignoresCase: Bool = false, anchorsMatchAtLines: Bool = false
    ) throws(LinearPatternError) {
        text = pattern
        var parser = PatternParser(pattern, flags: PatternFlags(ignoresCase: ignoresCase, lines: anchorsMatchAtLines))
        program = try Program(of: try parser.pattern())
    }

    /// A text to be found as it is.
    public init(literal: String) throws(LinearPatternError) {
        text = literal
        guard literal.utf8.count <= Self.maximumLength else { throw .tooLong }
        program = try Program(of: .sequence(literal.unicodeScalars.map { .set(ScalarSet(of: $0)) }))
    }

    /// Bytes.
    public static let maximumLength = 2048
    /// Repetitions are written out, `a{1000}` being a thousand steps; a pattern of more is refused.
    public static let maximumSteps = 4096
    /// How deep groups may lie in each other.
    public static let maximumDepth = 60

    /// The first match; nil where there is none.
    public func firstMatch(in text: String) -> Range<String.Index>? {
        var search = Search(for: self)
        search.feed(text.utf8)
        guard let found = search.finish() else { return nil }
        let start = text.utf8.index(text.startIndex, offsetBy: found.lowerBound)
        let end = text.utf8.index(text.startIndex, offsetBy: found.upperBound)
        return start..<end
    }

    /// The first match as a range of byte offsets. Bytes that are not UTF-8 count as U+FFFD.
    public func firstMatch(in bytes: some Sequence<UInt8>) -> Range<Int>? {
        var search = Search(for: self)
        search.feed(bytes)
        return search.finish()
    }

    public func isMatch(in text: String) -> Bool {
        var search = Search(for: self)
        search.feed(text.utf8)
        return search.finish() != nil
    }
}

/// Why a text is no pattern.
public struct LinearPatternError: Error, Hashable, Sendable {
    /// `bad_pattern`, `pattern_not_linear` or `pattern_too_large`.
    public let code: String
    /// A sentence for a person.
    public let message: String
    /// What to write instead.
    public let hint: String
    /// Where in the pattern, in characters from 0; nil where it is about the whole.
    public let offset: Int?

    static let tooLong = LinearPatternError(
        code: "pattern_too_large", message: "The pattern is longer than \(LinearPattern.maximumLength) bytes.",
        hint: "Look for a shorter part of the text.", offset: nil)
    static let tooLarge = LinearPatternError(
        code: "pattern_too_large",
        message: "The pattern is too large when its repetitions are written out (\(LinearPattern.maximumSteps) steps).",
        hint: "Use smaller numbers in {n,m}, or * and +.", offset: nil)

    static func bad(_ message: String, at offset: Int) -> LinearPatternError {
        LinearPatternError(
            code: "bad_pattern", message: "The pattern cannot be read: \(message).",
            hint:
                "Put a backslash before . * + ? ( ) [ ] { } | ^ $ to mean the sign itself, or ask for a literal text.",
            offset: offset)
    }

    static func notLinear(_ what: String, _ hint: String, at offset: Int) -> LinearPatternError {
        LinearPatternError(
            code: "pattern_not_linear", message: "The pattern uses \(what), which cannot be matched in linear time.",
            hint: hint, offset: offset)
    }
}
