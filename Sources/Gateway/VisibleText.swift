import Foundation

/// Checks of text that people type and other people read.
enum VisibleText {
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
