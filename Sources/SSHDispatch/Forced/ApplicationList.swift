/// The programs that logins reach: by options `NAME=PROGRAM`, and by a file with a line for each.
///
///     # name   program, and words that it always gets
///     builds   /opt/builds/bin/builds --service http://127.0.0.1:8090
///     hello    /opt/hello
struct ApplicationList: Sendable {
    private(set) var programs: [(name: PersonName, words: [String])] = []

    /// - Throws: `configuration` for a line or an option that cannot be used.
    init(_ options: DispatchOptions) throws(DispatchError) {
        for option in options.applications {
            let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Self.unusable("--app \(printable(option))") }
            try add(parts[0], [parts[1]], place: "--app \(printable(option))")
        }
        guard let path = options.applicationsFile else { return }
        let file = try FileBytes(trusted: path)
        for (index, line) in file.text(0..<Int.max).split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let place = "line \(index + 1) of \(path)"
            guard let first = line.first(where: { $0 != " " && $0 != "\t" }), first != "#" else { continue }
            do {
                let words = try ShellWords.parse(String(line))
                try add(words.first ?? "", Array(words.dropFirst()), place: place)
            } catch let error as ShellWordsError {
                throw DispatchError(.configuration, "\(place): \(error.description)", hint: error.hint)
            } catch let error as DispatchError {
                throw error
            } catch {
                throw Self.unusable(place)
            }
        }
    }

    private mutating func add(_ name: String, _ words: [String], place: String) throws(DispatchError) {
        guard let name = PersonName(name), let program = words.first, program.hasPrefix("/"),
            !programs.contains(where: { $0.name == name })
        else { throw Self.unusable(place) }
        programs.append((name, words))
    }

    private static func unusable(_ place: String) -> DispatchError {
        DispatchError(
            .configuration, "\(place) names no application.",
            hint: "Give a name of its own and the whole path of a program, NAME=/PATH or NAME /PATH WORD…")
    }

    /// The program of a visit with the words that it always gets, and those of the client that are left for it. An
    /// application of the account's name takes the whole command; else its first word chooses one.
    ///
    /// - Throws: `usage` when no application is meant, and says which there are.
    func route(
        login: PersonName?, _ words: [String]
    ) throws(DispatchError) -> (program: [String], words: [String]) {
        if let login, let own = self[login.description] { return (own, words) }
        guard !programs.isEmpty else {
            throw DispatchError(
                .configuration, "There is no application for this account.",
                hint: "Give dispatch --app NAME=PROGRAM or --applications FILE.")
        }
        let names = programs.map(\.name.description).joined(separator: ", ")
        guard let first = words.first else {
            throw DispatchError(.usage, "Say which application you want.", hint: "There are: \(names).")
        }
        guard let chosen = self[first] else {
            throw DispatchError(
                .usage, "There is no application “\(printable(first))”.", hint: "There are: \(names).")
        }
        return (chosen, Array(words.dropFirst()))
    }

    private subscript(name: String) -> [String]? { programs.first { $0.name.description == name }?.words }
}
