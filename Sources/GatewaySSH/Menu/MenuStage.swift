import Gateway
import NIOCore
import SSH
import SSHApplications

/// The menu on a client's terminal. Loop-bound.
final class MenuStage: SessionStage {
    private let channel: SSHServerSessionChannel
    private var terminal: SSHServerTerminal
    private var menu: HostMenu
    private var keys = KeyDecoder()
    private let act: (HostMenu.Action) -> Void
    private var isShown = false
    private var isOver = false

    /// - Parameter act: Told what the person wants.
    init(
        _ channel: SSHServerSessionChannel, _ terminal: SSHServerTerminal, person: String, message: String,
        act: @escaping (HostMenu.Action) -> Void
    ) {
        self.channel = channel
        self.terminal = terminal
        self.act = act
        menu = HostMenu(person: person)
        menu.message = message
    }

    /// Takes the whole terminal, which gets back afterwards what stood there.
    func begin() {
        isShown = true
        channel.write(ByteBuffer(string: "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J"))
        draw()
    }

    func show(_ entries: [MenuEntry]) {
        menu.show(entries)
        draw()
    }

    func say(_ message: String) {
        menu.message = message
        menu.isLoading = false
        draw()
    }

    /// Gives the terminal back.
    func end() {
        isOver = true
        guard isShown else { return }
        isShown = false
        channel.write(ByteBuffer(string: "\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"))
    }

    private func draw() {
        guard isShown, channel.isWritable else { return }
        let (columns, rows) = (max(1, terminal.columns), max(1, terminal.rows))
        let lines = menu.lines(columns: columns == 1 ? 80 : columns, rows: rows == 1 ? 24 : rows)
        let picture = lines.map { $0 + "\u{1B}[0m\u{1B}[K" }.joined(separator: "\r\n")
        // In one write, synchronised where the terminal knows that: no half of a picture is seen.
        channel.write(ByteBuffer(string: "\u{1B}[?2026h\u{1B}[H\(picture)\u{1B}[J\u{1B}[?2026l"))
    }

    // MARK: SessionStage

    func received(_ data: ByteBuffer) {
        channel.consumed(data.readableBytes)
        guard !isOver else { return }
        for key in keys.keys(of: data.readableBytesView) {
            let action = menu.press(key)
            guard action == .none else {
                // What was typed behind it belongs to nobody: a session is not begun by typing ahead of its name.
                act(action)
                break
            }
        }
        draw()
    }

    func endOfFile() {
        guard !isOver else { return }
        act(.leave)
    }

    func resized(_ terminal: SSHServerTerminal) {
        self.terminal = terminal
        draw()
    }

    func signal(_ name: String) {}

    func writabilityChanged(_ isWritable: Bool) {
        if isWritable { draw() }
    }

    func closed(_ error: SSHError?) { isOver = true }

    func reauthorise() {
        if !isOver { act(.reload) }
    }

    func revoke(_ sentence: String) { end() }
}
