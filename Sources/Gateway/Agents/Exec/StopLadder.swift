import NIOCore
import SSH

/// Ends a command with everything it started.
///
/// A signal over the command's own channel is tried first. OpenSSH refuses that for root, and closing a channel leaves
/// the process running; so then a second channel looks the process up by the name that stands as its `$0`, and ends all
/// of its session: interrupt, terminate, kill, with a pause after each. What it answers is what is left.
enum StopLadder {
    /// What ends the processes of a command, and prints `gone` when none is left.
    ///
    /// It ends whole sessions of processes, so it does nothing unless it is sure which one: the name has to be there, stand
    /// as the last word of a command line, and belong to a session that a process leads (sudo gives what it runs a session of its
    /// own). Session 0 and process 1 are the
    /// system's own and never touched.
    ///
    /// - Parameter name: of the command. It is written in two parts, so that this script does not find itself.
    /// - Returns: nil for a name that is none of ours.
    static func script(name: String) -> String? {
        guard name.wholeMatch(of: /cmd_[a-z2-7]{20}/) != nil else { return nil }
        // What has ended and waits for its parent to look (Z) does nothing any more.
        return """
            front=cmd
            name="${front}_\(name.dropFirst(4))"
            [ "${#name}" -eq 24 ] || exit 4
            group() {
              ps -A -ww -o sid= -o pid= -o stat= -o args= 2>/dev/null ||
                ps -A -o sid= -o pid= -o stat= -o args= 2>/dev/null || ps -A -o pgid= -o pid= -o stat= -o args=
            }
            sessions=$(group | while read -r a b t c; do
              case "$t" in Z*) continue;; esac
              case "$c" in *" $name") echo "$a";; esac
            done | sort -u)
            [ -n "$sessions" ] || { echo gone; exit 0; }
            for s in $sessions; do case "$s" in *[!0-9]*|0|1) exit 5;; esac; done
            left() {
              group | while read -r a b t c; do
                case "$t" in Z*) continue;; esac
                for s in $sessions; do
                  if [ "$a" = "$s" ] && [ "$b" -gt 1 ]; then echo "$b"; fi
                done
              done
            }
            for k in INT TERM KILL; do
              p=$(left); [ -n "$p" ] || break
              kill -"$k" $p 2>/dev/null
              i=0; while [ $i -lt 3 ] && [ -n "$(left)" ]; do sleep 0.1 2>/dev/null || sleep 1; i=$((i+1)); done
            done
            p=$(left); if [ -n "$p" ]; then echo left $p; else echo gone; fi
            """
    }

    /// - Parameter sudo: by which it is done as root.
    /// - Returns: whether nothing is left; false as well where nobody could look.
    static func climb(_ command: AgentCommand, on channels: ExecChannels, sudo: SudoDialogue? = nil) async -> Bool {
        guard let script = script(name: command.id),
            let line = try? ShellQuoting.commandLine(sudo?.script(script, name: "stop") ?? script, name: "stop"),
            let result = await channels.aside(line, sudo: sudo)
        else { return false }
        return String(decoding: result.standardOutput, as: UTF8.self).hasPrefix("gone")
    }
}
