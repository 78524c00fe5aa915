import NIOCore
import SSH

/// Ends a command with everything it started.
///
/// A signal over the command's own channel is tried first. OpenSSH refuses that for root, and closing a channel leaves
/// the process running; so then a second channel looks the process up by the name that stands as its `$0`, and ends all
/// of its session: interrupt, terminate, kill, with a pause after each. What it answers is what is left.
enum StopLadder {
    /// - Parameter name: of the command. It is written in two parts, so that this script does not find itself.
    static func script(name: String) -> String {
        let (front, back) = (name.prefix(4), name.dropFirst(4))
        // What has ended and waits for its parent to look (Z) does nothing any more.
        return """
            n=\(front)
            n="$n\(back)"
            group() {
              ps -A -o sid= -o pid= -o stat= -o args= 2>/dev/null || ps -A -o pgid= -o pid= -o stat= -o args=
            }
            s=$(group | while read -r a b t c; do case "$t$c" in Z*) ;; *"$n"*) echo "$a"; break;; esac; done)
            [ -n "$s" ] || { echo gone; exit 0; }
            left() {
              group | while read -r a b t c; do case "$t" in Z*) ;; *) [ "$a" = "$s" ] && echo "$b";; esac; done
            }
            for k in INT TERM KILL; do
              p=$(left); [ -n "$p" ] || break
              kill -"$k" $p 2>/dev/null
              i=0; while [ $i -lt 3 ] && [ -n "$(left)" ]; do sleep 0.1 2>/dev/null || sleep 1; i=$((i+1)); done
            done
            p=$(left); if [ -n "$p" ]; then echo left $p; else echo gone; fi
            """
    }

    /// - Returns: whether nothing is left; false as well where nobody could look.
    static func climb(_ command: AgentCommand, on channels: ExecChannels) async -> Bool {
        guard let line = try? ShellQuoting.commandLine(script(name: command.id), name: "stop"),
            let result = await channels.aside(line)
        else { return false }
        return String(decoding: result.standardOutput, as: UTF8.self).hasPrefix("gone")
    }
}
