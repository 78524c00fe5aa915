import Foundation
import Storage

/// A line that is typed often, with places to fill in: `systemctl restart {{service}}`.
public struct Macro: Sendable, Hashable {
    public let id: String
    public let ownerID: String
    public let ownerName: String
    public let name: String
    public let text: String
    public let description: String
    /// Everybody who may type somewhere sees it.
    public let isShared: Bool
    public let updatedAt: Timestamp

    init(_ row: SQLRow) throws(StorageError) {
        id = try row.text("id")
        ownerID = try row.text("owner")
        ownerName = try row.optionalText("owner_name") ?? ""
        name = try row.text("name")
        text = try row.text("text")
        description = try row.text("description")
        isShared = try row.bool("shared")
        updatedAt = try row.time("updated")
    }
}

/// What a person writes, checked.
public struct MacroDraft: Sendable {
    static let longestText = 4000

    let name: String
    let text: String
    let description: String
    let isShared: Bool

    public init(name: String, text: String, description: String, isShared: Bool) throws(GatewayError) {
        self.name = try VisibleText.line(name, field: "name", what: "The name of a macro", limit: 80)
        guard !self.name.isEmpty else { throw .invalid("name", "A macro has a name.", hint: "Say what it does.") }
        self.description = try VisibleText.line(
            description, field: "description", what: "The description of a macro", limit: 400)
        self.text = try Self.typed(text)
        self.isShared = isShared
    }

    /// A macro is text. What would be another key when typed (Escape, Control-C) or turns the direction of writing, so
    /// that the preview lies, is refused.
    private static func typed(_ text: String) throws(GatewayError) -> String {
        let lines = text.replacingOccurrences(of: "\r\n", with: "\n")
        guard lines.contains(where: { !$0.isWhitespace }) else {
            throw .invalid("text", "A macro types something.", hint: "Write the command.")
        }
        guard lines.utf8.count <= longestText else {
            throw .invalid(
                "text", "A macro has \(longestText) bytes at most.", hint: "Put a longer one into a script on the host."
            )
        }
        let isPlain = lines.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control: scalar == "\n" || scalar == "\t"
            case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
            case .lineSeparator, .paragraphSeparator, .surrogate: false
            default: true
            }
        }
        guard isPlain else {
            throw .invalid("text", "A macro contains control characters.", hint: "Type it without them.")
        }
        return lines
    }
}
