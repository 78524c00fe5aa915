import Foundation
import NIOCore
import SSH

/// Asks the host's terminal itself what the program in it waits for.
///
/// A text on the screen can say anything; the modes of the tty and the process group in its foreground cannot. The
/// question goes over a further channel of the same connection: the process that serves it and the terminal's shell
/// have the same parent.
struct TerminalProbe: Sendable {
    private static let shells: Set<String> = [
        "sh", "bash", "dash", "ash", "zsh", "fish", "ksh", "ksh93", "mksh", "tcsh", "csh", "busybox", "oksh", "yash",
    ]

    /// Those of them that edit the line themselves.
    private static let editors: Set<String> = ["bash", "zsh", "fish", "ksh", "ksh93", "mksh", "tcsh", "csh", "yash"]

    static let script = """
        t=$(ps -A -o ppid= -o tty= 2>/dev/null | while read -r p t; do case "$t" in "?"|"-"|"??"|"") ;; \
        *) [ "$p" = "$PPID" ] && { echo "$t"; break; };; esac; done)
        [ -n "$t" ] || exit 3
        d="/dev/${t#/dev/}"
        stty -a -F "$d" 2>/dev/null || stty -a -f "$d" 2>/dev/null || exit 3
        echo ===
        ps -o pid= -o pgid= -o tpgid= -o stat= -o wchan= -o comm= -t "$t" 2>/dev/null || exit 3
        echo ===
        g=$(ps -o tpgid= -t "$t" | head -n 1 | tr -d ' ')
        [ -z "$g" ] || readlink "/proc/$g/cwd" 2>/dev/null
        exit 0
        """

    let isCanonical: Bool
    let echoes: Bool
    /// The program in the foreground, and whether it is the terminal's own shell.
    let foreground: String?
    let isLoginShell: Bool
    let isShell: Bool
    /// That program's process, and its folder, where the host tells.
    let foregroundID: String?
    let folder: String?
    /// It waits in the kernel, for whatever; and where that is known, for the terminal.
    let sleeps: Bool
    let readsTerminal: Bool

    static func ask(_ connection: SSHConnection) async -> TerminalProbe? {
        guard let line = try? ShellQuoting.commandLine(script, name: "probe") else { return nil }
        guard let result = try? await connection.run(line, limit: 64 << 10), result.exit == .status(0) else {
            return nil
        }
        return TerminalProbe(String(decoding: result.standardOutput, as: UTF8.self))
    }

    /// What the host printed.
    init?(_ text: String) {
        let parts = text.components(separatedBy: "\n===\n")
        guard parts.count >= 2 else { return nil }
        let modes = Set(parts[0].split { " ;\n\t".contains($0) })
        guard modes.contains("icanon") || modes.contains("-icanon") else { return nil }
        isCanonical = modes.contains("icanon")
        echoes = modes.contains("echo")
        var leader: String?
        var found: (pid: Substring, stat: Substring, place: Substring, name: String)?
        for row in parts[1].split(separator: "\n") {
            let fields = row.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6 else { continue }
            let name = String(fields[5].drop { $0 == "-" }.split(separator: "/").last ?? "")
            if leader == nil { leader = String(fields[0]) }
            // The leader of the group in the foreground, or what is left of that group.
            if fields[1] == fields[2], found == nil || fields[0] == fields[1] {
                found = (fields[0], fields[3], fields[4], name)
            }
        }
        foreground = found?.name
        foregroundID = found.map { String($0.pid) }
        let place = parts.dropFirst(2).first?.split(separator: "\n").first.map(String.init)
        folder = place?.hasPrefix("/") == true ? place : nil
        isLoginShell = found.map { String($0.pid) == leader } ?? false
        isShell = found.map { Self.shells.contains($0.name) } ?? false
        sleeps = found?.stat.first == "S"
        readsTerminal = ["wait_w", "n_tty", "tty_re"].contains { found?.place.hasPrefix($0) ?? false }
    }

    /// What it waits for, and the line that the cursor is in.
    func waiting(prompt: String) -> WaitingView {
        // A shell with a line editor of its own turns canonical mode off at its prompt; one without leaves it on.
        let isPrompt = isShell && (!isCanonical || isLoginShell && sleeps && !Self.editors.contains(foreground ?? ""))
        let kind =
            if isCanonical, !echoes {
                "password"
            } else if isPrompt {
                "prompt"
            } else if !isCanonical {
                "raw"
            } else {
                // Text before the cursor, or the kernel, says that it asked something; without either it computes or waits.
                sleeps && (readsTerminal || !prompt.isEmpty) ? "line" : "none"
            }
        return WaitingView(kind: kind, prompt: prompt, foreground: foreground, confidence: "tty")
    }

    /// What the screen alone suggests, where the host has no `ps` or `stty`, or gives no channel.
    static func guess(_ text: TerminalText) -> WaitingView {
        let line = text.partial
        let lower = line.lowercased()
        let words = ["password", "passphrase", "passwort", "mot de passe", "verification code", "pin", "otp", "token"]
        let kind =
            if text.isAlternate {
                "raw"
            } else if lower.hasSuffix(":"), words.contains(where: { lower.contains($0) }) {
                "password"
            } else if ["$", "#", "%", ">", "❯", "➜"].contains(where: { line.hasSuffix($0) }) {
                "prompt"
            } else if lower.hasSuffix("?") || lower.hasSuffix("]") || lower.hasSuffix(":")
                || lower.hasSuffix("--more--")
            {
                "line"
            } else {
                "none"
            }
        return WaitingView(kind: kind, prompt: line, foreground: nil, confidence: "heuristic")
    }
}
