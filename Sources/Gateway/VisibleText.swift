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

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
        // Joiners are part of words and emoji; everything else of this category only hides or turns text.
        case .format: scalar != "\u{200C}" && scalar != "\u{200D}"
        default: false
        }
    }
}
