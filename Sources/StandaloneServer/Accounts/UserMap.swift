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
        guard Self.isName(name) else { return nil }
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

    /// Names that could mean something to a file, a shell or a log are nobody's.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 256
            && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"\"'\\`$,".utf8.contains($0) }
    }

    /// Whether `local` is named outright, for this name or for all, and not just not excluded.
    func names(_ local: String, for name: String) -> Bool {
        if entries.isEmpty, defaultUser == nil { return true }
        return entries.contains { ($0.name == "*" || $0.name.utf8.elementsEqual(name.utf8)) && $0.local == local }
            || defaultUser == local
    }

    /// Whether anybody at all can sign in.
    public var isEmpty: Bool { entries.isEmpty && defaultUser == nil && own == nil }

    /// Local names that are named outright.
    public var namedAccounts: [String] {
        (entries.map(\.local) + [defaultUser].compactMap { $0 }).filter { $0 != "*" }
    }
}
