import SSHApplications
import Terminal

/// The menu as a value: keys go in, lines come out. It works at any size from 20 columns and 5 rows on, and by letters and
/// Enter alone, for a phone whose keyboard has no arrows.
struct HostMenu {
    enum Action: Hashable {
        case none
        case open(MenuEntry.Target)
        case leave
        case reload
    }

    private(set) var entries: [MenuEntry] = []
    private(set) var search = ""
    private(set) var chosen = 0
    private var first = 0
    private let person: String
    /// What is said on the last line but one: why the latest thing ended.
    var message = ""
    var isLoading = true

    private static let longestSearch = 60

    init(person: String) { self.person = person }

    /// What is found by the words typed so far.
    var found: [MenuEntry] {
        let words = search.split(separator: " ")
        return words.isEmpty ? entries : entries.filter { $0.matches(words) }
    }

    mutating func show(_ entries: [MenuEntry]) {
        let before = current?.target
        self.entries = entries
        isLoading = false
        chosen = found.firstIndex { $0.target == before } ?? min(chosen, max(0, found.count - 1))
    }

    private var current: MenuEntry? { found.indices.contains(chosen) ? found[chosen] : nil }

    // MARK: Keys

    mutating func press(_ key: Key) -> Action {
        message = ""
        switch key {
        case .up, .backTab, .control("p"), .control("k"): move(by: -1)
        case .down, .tab, .control("n"), .control("j"): move(by: 1)
        case .pageUp: move(by: -10)
        case .pageDown: move(by: 10)
        case .home: chosen = 0
        case .end: chosen = max(0, found.count - 1)
        case .enter:
            if let current { return .open(current.target) }
        case .backspace: edit { $0 = String($0.dropLast()) }
        case .control("u"), .control("w"): edit { $0 = "" }
        case .escape:
            if search.isEmpty { return .leave }
            edit { $0 = "" }
        case .control("c"), .control("d"): return .leave
        case .control("l"), .control("r"): return .reload
        case .character(let scalar):
            if search.isEmpty, scalar == "?" || scalar == " " { break }
            edit { if $0.count < Self.longestSearch { $0.unicodeScalars.append(scalar) } }
        default: break
        }
        return .none
    }

    private mutating func move(by count: Int) { chosen = min(max(0, chosen + count), max(0, found.count - 1)) }

    private mutating func edit(_ change: (inout String) -> Void) {
        change(&search)
        chosen = 0
        first = 0
    }

    // MARK: Picture

    /// The whole screen, line by line; each fits.
    mutating func lines(columns: Int, rows: Int) -> [String] {
        let columns = max(20, min(columns, 400))
        let room = max(1, rows - 5)
        let found = found
        first = min(max(first, chosen - room + 1), chosen)
        var lines = [
            Self.bold(Self.fit("SSH Copilot · \(person)", columns)),
            Self.fit("Search: \(search)\u{2588}", columns),
            "",
        ]
        for index in found.indices.dropFirst(first).prefix(room) {
            lines.append(line(found[index], isChosen: index == chosen, columns))
        }
        if found.isEmpty { lines.append(Self.fit(emptiness, columns)) }
        while lines.count < rows - 2 { lines.append("") }
        lines.append(Self.fit(message, columns))
        lines.append(Self.dim(Self.fit(help(columns, of: found.count), columns)))
        return Array(lines.prefix(max(rows, 1)))
    }

    private var emptiness: String {
        if isLoading { return "Loading…" }
        return entries.isEmpty
            ? "There is no host that you may reach yet. Ask an admin." : "Nothing is called so. Backspace corrects it."
    }

    private func help(_ columns: Int, of count: Int) -> String {
        let place = count == 0 ? "" : "\(chosen + 1)/\(count)  "
        return place
            + (columns >= 64
                ? "type to search · ↑ ↓ choose · Enter opens · Ctrl-R reloads · Ctrl-C leaves"
                : columns >= 36 ? "type · ↑↓ · Enter · Ctrl-C leaves" : "Enter · Ctrl-C")
    }

    private func line(_ entry: MenuEntry, isChosen: Bool, _ columns: Int) -> String {
        let mark = isChosen ? "› " : "  "
        let nameWidth = min(28, max(10, columns / 3))
        let kindWidth = columns >= 48 ? 16 : max(0, min(13, columns - 2 - nameWidth - 1))
        let sign = if case .session = entry.target { "● " } else { "" }
        let name = Self.pad(sign + entry.name, nameWidth)
        let kind = Self.pad(entry.kind, kindWidth)
        let rest = max(0, columns - 2 - nameWidth - 1 - kindWidth - 1)
        let detail = rest > 4 ? Self.fit(entry.detail, rest) : ""
        if isChosen { return "\u{1B}[7m" + Self.pad("\(mark)\(name) \(kind) \(detail)", columns) + "\u{1B}[27m" }
        // The environment stands there as a word, too: colour alone says nothing to many.
        let coloured = entry.isProduction ? "\u{1B}[31m\(kind)\u{1B}[39m" : kind
        return "\(mark)\(name) \(coloured) " + Self.dim(detail)
    }

    private static func fit(_ text: String, _ columns: Int) -> String {
        guard TextWidth.columns(of: text) > columns else { return text }
        return String(TextWidth.prefix(text, columns: max(0, columns - 1))) + "…"
    }

    private static func pad(_ text: String, _ columns: Int) -> String {
        let fitted = fit(text, columns)
        return fitted + String(repeating: " ", count: max(0, columns - TextWidth.columns(of: fitted)))
    }

    private static func bold(_ text: String) -> String { "\u{1B}[1m\(text)\u{1B}[22m" }

    private static func dim(_ text: String) -> String { "\u{1B}[2m\(text)\u{1B}[22m" }
}
