/// The options of a forced `internal-sftp` (sftp-server(8)).
enum FileServerOptions {
    /// Reads them as getopt does: letters may stand together, and a value in the same word or the next.
    ///
    /// - Returns: Whether nothing may be changed; nil when there is an option that this server does not have, since to pass
    ///   over one that restricts would allow more than the key's owner was given.
    static func isReadOnly(_ words: [String]) -> Bool? {
        var (isReadOnly, rest) = (false, words[...])
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word.count > 1 else { return nil }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                switch letter {
                case "R": isReadOnly = true
                // To standard error, and how much of it: what happens is an event here.
                case "e": break
                case "f", "l":
                    if letters.isEmpty, rest.popFirst() == nil { return nil }
                    letters = ""
                default: return nil
                }
            }
        }
        return isReadOnly
    }
}
