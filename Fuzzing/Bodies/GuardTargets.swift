import LinearPattern
import Redaction
import ShellGrammar

extension FuzzTarget {
    /// What stands between an agent and a host.
    static let guards: [FuzzTarget] = [
        FuzzTarget("shell-grammar", seeds: { shellSeeds }) { try classify($0) },
        FuzzTarget("linear-pattern", seeds: { patternSeeds }) { try match($0) },
        FuzzTarget("redaction", seeds: { secretSeeds }) { try redact($0) },
    ]

    @Sendable private static func classify(_ bytes: [UInt8]) throws {
        let line = String(decoding: bytes, as: UTF8.self)
        for surroundings in [ShellGrammar.Surroundings.noTerminal, .terminal, .typed] {
            let found = ShellGrammar.classify(line, in: surroundings)
            _ = found.worst
            _ = found.programs
            try hold(found.reasons.count <= ShellGrammar.maximumReasons, "More reasons than the limit")
            try hold(!found.isReadOnly || !found.effects.contains(.unknown), "An unknown line is read-only")
            // A command behind the line is seen, unless the line takes it in as text, which makes it unreadable or a comment.
            let more = ShellGrammar.classify(line + "\nrm x", in: surroundings)
            if found.isReadOnly, !line.contains("<<"), !line.hasSuffix("\\") {
                try hold(!more.isReadOnly, "A line hides the one that follows")
            }
        }
        if let pattern = try? CommandPattern("ls **"), pattern.allows(line) {
            try hold(ShellGrammar.classify(line, in: .noTerminal).isReadOnly, "A pattern allows more than its command")
        }
        _ = (try? CommandPattern(line))?.mayBeIn(ShellGrammar.classify("ls -l $x"))
    }

    /// The pattern up to the first newline, then the text.
    @Sendable private static func match(_ bytes: [UInt8]) throws {
        let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
        let text = parts.count > 1 ? Array(parts[1]) : []
        guard let source = parts.first, let pattern = try? LinearPattern(String(decoding: source, as: UTF8.self)) else {
            return
        }
        let whole = pattern.firstMatch(in: text)
        if let whole {
            try hold(whole.lowerBound >= 0 && whole.upperBound <= text.count, "A match outside of the text")
        }
        var search = LinearPattern.Search(for: pattern)
        for byte in text { search.feed(CollectionOfOne(byte)) }
        let atEnd = search.matchAtEnd
        try hold(
            atEnd == whole,
            "Bytes fed singly match otherwise: \(String(describing: atEnd)), \(String(describing: whole))")
    }

    @Sendable private static func redact(_ bytes: [UInt8]) throws {
        let known = KnownSecrets([Array("s3cret-of-ada".utf8), Array("abc".utf8)])
        let whole = SecretRedaction(known: known).redact(bytes)
        let middle = SecretRedaction(known: known).redact(
            bytes, shown: bytes.count / 3..<max(bytes.count / 3, bytes.count / 2))
        try hold(middle.bytes.count <= whole.bytes.count + 64, "A part is longer than the whole")
        for size in [1, 3, 17] {
            var stream = SecretRedaction(known: known).stream()
            var shown: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                shown += stream.feed(bytes[start..<min(bytes.count, start + size)])
                try hold(stream.heldBytes <= SecretRedaction.Stream.maximumHeld, "More is held back than the limit")
            }
            shown += stream.finish()
            for part in ["s3cret-of-ada"] {
                let text = String(decoding: shown, as: UTF8.self)
                try hold(!text.contains(part), "A known secret is shown")
            }
        }
    }

    private static let shellSeeds = [
        "cat <<EOF | sort -u > $x\n$(ls `id`) ${a:-b}\nEOF\n", "for f in *.log; do sed -n 's/a/b/p;1q' \"$f\"; done",
        "if [ -f x ]; then find . -name '*.c' -exec grep -l main {} +; else echo $((1+2)); fi",
        "case $(uname) in Linux|*BSD) ls;; *) sh -c 'awk \"{print}\" f';; esac",
        "sudo -n env A=1 timeout 5 xargs -I{} echo {} < f",
        "f() { git --no-pager log -3; }; f & wait", "diff <(sort a) <(sort b) 2>&1 | tar -tzf - ; x=(a b) y=$'a\\n'",
    ].map { Array($0.utf8) }

    private static let patternSeeds = [
        "(a|b)*c{2,5}?[^x-z\\d]\\b\nabababcc hello", "(?i)^\\s*error:\\s+(?<what>.+)$\nError: disk",
        "\\p{Lu}[[:alpha:]]+\\x{20AC}\nÄa€",
    ].map { Array($0.utf8) }

    private static let secretSeeds = [
        "DB_PASSWORD=hunter2\nAuthorization: Bearer abc123def456ghi\npostgres://a:b@c/d s3cret-of-ada",
        "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n{\"token\": \"a\\\"b\"}",
    ].map { Array($0.utf8) }
}
