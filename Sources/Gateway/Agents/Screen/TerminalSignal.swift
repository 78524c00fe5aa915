import SSH

/// A signal to the process group in the foreground of the session's terminal, for those that no key stands for.
enum TerminalSignal {
    static func send(_ name: String, over connection: SSHConnection) async -> Bool {
        let script = """
            t=$(ps -A -o ppid= -o tty= 2>/dev/null | while read -r p t; do case "$t" in "?"|"-"|"??"|"") ;; \
            *) [ "$p" = "$PPID" ] && { echo "$t"; break; };; esac; done)
            [ -n "$t" ] || exit 3
            g=$(ps -o tpgid= -t "$t" | head -n 1 | tr -d ' ')
            [ -n "$g" ] && [ "$g" -gt 1 ] && kill -\(name) -- "-$g"
            """
        guard let line = try? ShellQuoting.commandLine(script, name: "signal"),
            let result = try? await connection.run(line, limit: 4096)
        else { return false }
        return result.exit == .status(0)
    }
}
