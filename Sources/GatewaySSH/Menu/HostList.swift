import Terminal

/// The list of hosts for whoever has no terminal: a script, or a pager.
enum HostList {
    /// A line for each: name, kind and what else is known, in columns.
    static func text(_ entries: [MenuEntry]) -> String {
        let hosts = entries.filter { if case .host = $0.target { true } else { false } }
        let width = hosts.map { TextWidth.columns(of: $0.name) }.max() ?? 0
        return hosts.map { entry in
            let gap = String(repeating: " ", count: max(0, width - TextWidth.columns(of: entry.name)))
            var line = "\(entry.name)\(gap)  \(entry.kind)"
            if !entry.detail.isEmpty { line += "  " + entry.detail }
            return line + "\n"
        }.joined()
    }
}
