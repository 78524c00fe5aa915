// Text from a peer is hostile until shown harmlessly: a banner, a disconnect message or a prompt may carry escape
// sequences that repaint a terminal, or bidirectional marks that disguise a sentence.

/// Makes text from outside harmless to show.
public enum DisplayText {
    /// Replaces control characters (C0, DEL, C1) and Unicode's bidirectional and invisible format characters.
    ///
    /// - Parameters:
    ///   - text: What the peer sent.
    ///   - limit: Characters kept; what lies beyond is dropped and marked with an ellipsis.
    ///   - keepsLines: Keeps line feeds and tabs; everything else becomes a middle dot.
    public static func neutralise(_ text: String, limit: Int = 1024, keepsLines: Bool = false) -> String {
        var result = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limit else {
                result.append("…")
                break
            }
            if keepsLines && scalar == "\r" { continue }
            result.append(isHarmless(scalar) || keepsLines && (scalar == "\n" || scalar == "\t") ? scalar : "·")
            count += 1
        }
        return String(result)
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        // Nearly all of what is shown; the properties of a character are searched for in a table.
        if (0x20...0x7E).contains(scalar.value) { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
