/// What a user name at the SSH port says: who comes, where to, or both.
///
/// `ada`, `web-prod`, `ada+web-prod` or `ada:web-prod`. A colon ends the user name for scp and rsync, so they want the plus.
/// User names and aliases hold neither. Everything is the client's word: who somebody is decides their key or password.
struct LoginName: Sendable, Hashable {
    /// Where a connection leads.
    enum Destination: Sendable, Hashable {
        case menu
        /// As it was typed; hostile.
        case host(String)
    }

    /// The person that it names in so many words; nil where one word may be either.
    let person: String?
    let word: String

    init(_ text: String) {
        if let separator = text.firstIndex(where: { $0 == "+" || $0 == ":" }) {
            person = text[..<separator].lowercased()
            word = String(text[text.index(after: separator)...])
        } else {
            person = nil
            word = text
        }
    }

    /// Whose password is to be checked: who is named, or the one word.
    var account: String { person ?? word.lowercased() }

    /// Where it leads for this person, whose key or password is proven; nil when it names somebody else.
    func destination(of username: String) -> Destination? {
        if let person {
            guard person == username else { return nil }
            return word.isEmpty ? .menu : .host(word)
        }
        return word.lowercased() == username ? .menu : .host(word)
    }
}
