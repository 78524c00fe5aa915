import Foundation

/// Checks of text that people type and other people read.
public enum VisibleText {
    /// The same text with control, invisible and direction-changing characters written out, such as `\u{1b}`. Tabs and line feeds
    /// stay.
    public static func marked(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                shown += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B...0x200F,
            0x2028...0x202E,
            0x2060...0x206F, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9...0xFFFB, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A,
            0xE0000...0xE0FFF:
            true
        default: false
        }
    }

    /// A trimmed line without control characters and without the marks that turn the direction of writing, which could
    /// make a name look like another one.
    static func line(_ text: String, field: String, what: String, limit: Int) throws(GatewayError) -> String {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines).precomposedStringWithCanonicalMapping
        guard trimmed.count <= limit else {
            throw .invalid(field, "\(what) is longer than \(limit) characters.", hint: "Shorten it.")
        }
        guard !trimmed.unicodeScalars.contains(where: isInvisible) else {
            throw .invalid(field, "\(what) contains control characters.", hint: "Type it without them.")
        }
        return trimmed
    }

    /// Text of others as it may be shown: what cannot be seen, or turns the direction of writing, becomes a dot.
    static func shown(_ text: String, limit: Int = 200) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) { shown.append(isInvisible(scalar) ? "·" : scalar) }
        return String(shown)
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
        // Joiners are part of words and emoji; everything else of this category only hides or turns text.
        case .format: scalar != "\u{200C}" && scalar != "\u{200D}"
        default: false
        }
    }
}
