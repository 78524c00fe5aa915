/// What can be read here by name, beside tools.
public struct ResourceShelf<Principal: Sendable>: Sendable {
    public struct Entry: Sendable {
        /// A URI, or a template of one (RFC 6570).
        public let uri: String
        public let name: String
        public let description: String
        public let type: String

        public init(uri: String, name: String, description: String, type: String = "text/plain") {
            self.uri = uri
            self.name = name
            self.description = description
            self.type = type
        }
    }

    /// One that was read.
    public struct Content: Sendable {
        public let type: String
        public let text: String

        public init(type: String = "text/plain", text: String) {
            self.type = type
            self.text = text
        }
    }

    let list: @Sendable (Principal) async throws -> [Entry]
    let templates: [Entry]
    let read: @Sendable (String, Principal) async throws -> Content?

    /// - Parameters:
    ///   - list: what is there now.
    ///   - templates: what could be asked for.
    ///   - read: nil when there is no such thing for this principal.
    public init(
        templates: [Entry], list: @escaping @Sendable (Principal) async throws -> [Entry],
        read: @escaping @Sendable (String, Principal) async throws -> Content?
    ) {
        self.templates = templates
        self.list = list
        self.read = read
    }
}
