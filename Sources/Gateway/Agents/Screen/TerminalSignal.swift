import SSH

/// A signal to the process group in the foreground of the session's terminal, for those that no key stands for.
enum TerminalSignal {
    /// - Parameter sparing: a process that is never signalled, nor the group that it leads: the shell that is to go on. The
    ///   terminal's own shell is spared as well where one is named.
    /// - Returns: whether it was sent.
    static func send(_ name: String, over connection: SSHConnection, sparing shell: String? = nil) async -> Bool {
        let spared = shell.flatMap { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } ? $0 : nil } ?? ""
        let script = """
            t=$(ps -A -o ppid= -o tty= 2>/dev/null | while read -r p t; do case "$t" in "?"|"-"|"??"|"") ;; \
            *) [ "$p" = "$PPID" ] && { echo "$t"; break; };; esac; done)
            [ -n "$t" ] || exit 3
            g=$(ps -o tpgid= -t "$t" | head -n 1 | tr -d ' ')
            [ -n "$g" ] && [ "$g" -gt 1 ] || exit 3
            s='\(spared)'
            if [ -n "$s" ]; then
              [ "$g" != "$s" ] && [ "$g" != "$(ps -o sid= -t "$t" | head -n 1 | tr -d ' ')" ] || exit 4
            fi
            kill -\(name) -- "-$g"
            """
        guard let line = try? ShellQuoting.commandLine(script, name: "signal"),
            let result = try? await connection.run(line, limit: 4096)
        else { return false }
        return result.exit == .status(0)
    }
}
