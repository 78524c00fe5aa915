/// Which account of this machine a name of SSH stands for.
public struct UserMap: Sendable {
    /// `SSH:LOCAL`. `*` as SSH means every name, and as LOCAL the account of the same name.
    public struct Entry: Sendable, Hashable {
        public var name: String
        public var local: String

        public init(name: String, local: String) {
            self.name = name
            self.local = local
        }

        /// - Throws: `invalid_settings`.
        public init(_ text: String) throws(StandaloneServerError) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let name = parts.first, let local = parts.last, !name.isEmpty, !local.isEmpty,
                local != "*" || name == "*"
            else {
                throw .settings(
                    "“\(text)” is not SSH:LOCAL.",
                    hint: "For example --user-map alice:deploy, or --user-map '*:*' for everybody under their own name."
                )
            }
            self.init(name: String(name), local: String(local))
        }
    }

    private let entries: [Entry]
    private let defaultUser: String?
    private let own: String?

    /// - Parameters:
    ///   - entries: In the order in which they are looked at.
    ///   - defaultUser: The account for names that no entry names.
    ///   - own: The one account that this server can act for; nil for root, who can act for all.
    public init(_ entries: [Entry], defaultUser: String?, own: String?) {
        self.entries = entries
        self.defaultUser = defaultUser
        self.own = own
    }

    /// The local account's name; nil refuses.
    ///
    /// An ordinary account's server without map and default serves that account under its own name. Root is only reached
    /// where an entry or the default names it: "everybody" does not mean root.
    public func local(for name: String) -> String? {
        if entries.isEmpty, defaultUser == nil {
            guard let own, name.utf8.elementsEqual(own.utf8) else { return nil }
            return own
        }
        for entry in entries where entry.name == "*" || entry.name.utf8.elementsEqual(name.utf8) {
            guard entry.local == "*" else { return entry.local }
            if name != "root" { return name }
        }
        return defaultUser
    }

    /// Whether anybody at all can sign in.
    public var isEmpty: Bool { entries.isEmpty && defaultUser == nil && own == nil }

    /// Local names that are named outright.
    public var namedAccounts: [String] {
        (entries.map(\.local) + [defaultUser].compactMap { $0 }).filter { $0 != "*" }
    }
}
