/// How the shell of a session's terminal says when a command ends: its prompt writes a mark (OSC 133) with the exit code and the
/// folder, and a word that only this session knows, so that a program cannot end somebody else's command.
///
/// The marks are set up by one line that is typed at the shell's prompt, in front of everybody. They hold for that one process:
/// a shell inside of it gets its own.
struct PromptMarks: Sendable, Equatable {
    /// The process at whose prompt they were set up.
    let processID: String
    let shell: String
    let nonce: String
    /// Of the terminals of one session: a host that was lost has another shell.
    let generation: Int

    /// Whether the shell marks the beginning of the output, too. Where it does not, that is behind the typed line.
    var marksBeginning: Bool { Self.styles[shell] != .prompt }

    private enum Style {
        case bash, zsh, fish, csh
        /// The prompt's own text is the only place that such a shell works out anew each time.
        case prompt
    }

    private static let styles: [String: Style] = [
        "bash": .bash, "zsh": .zsh, "fish": .fish, "tcsh": .csh, "sh": .prompt, "dash": .prompt, "ash": .prompt,
        "busybox": .prompt, "ksh": .prompt, "ksh93": .prompt, "mksh": .prompt, "oksh": .prompt, "yash": .prompt,
    ]

    /// The line that sets them up; nil for a shell that nothing is known of. It holds no escape sequence itself, so that its
    /// echo is no mark.
    var installation: String? {
        let begin = #"\033]133;C;\#(nonce)\007"#
        let end = #"\033]133;D;%s;\#(nonce);%s\007"#
        return switch Self.styles[shell] {
        case .bash:
            #" __copilot() { local s=$?; printf '\#(end)' "$s" "$PWD"; return $s; }; PS0='\#(begin)'"$PS0"; "#
                + #"PROMPT_COMMAND="__copilot${PROMPT_COMMAND:+;$PROMPT_COMMAND}""#
        case .zsh:
            #" setopt no_prompt_sp; __copilot() { printf '\#(end)' "$?" "$PWD"; }; "#
                + #"__copilot_begins() { printf '\#(begin)'; }; "#
                + "precmd_functions=(__copilot $precmd_functions); preexec_functions+=(__copilot_begins)"
        case .fish:
            #" function __copilot --on-event fish_prompt; printf '\#(end)' $status $PWD; end; "#
                + #"function __copilot_begins --on-event fish_preexec; printf '\#(begin)'; end"#
        case .csh:
            #" alias precmd 'printf "\#(end)" "$status" "$cwd"'; alias postcmd 'printf "\#(begin)"'"#
        case .prompt: #" PS1=$(printf '\#(end)' '$?' '$PWD')$PS1"#
        case nil: nil
        }
    }

    /// What a mark says, if it is one of these.
    enum Mark: Equatable {
        case begins
        case ended(exitCode: Int?, folder: String)
    }

    func read(_ mark: String) -> Mark? {
        let parts = mark.split(separator: ";", maxSplits: 3, omittingEmptySubsequences: false)
        if parts.count >= 2, parts[0] == "C", parts[1] == nonce[...] { return .begins }
        guard parts.count == 4, parts[0] == "D", parts[2] == nonce[...] else { return nil }
        return .ended(exitCode: Int(parts[1]).map(Self.exitCode), folder: String(parts[3]))
    }

    /// ksh93 counts signals from 256 on; everybody else from 128.
    private static func exitCode(_ code: Int) -> Int { code > 256 ? 128 + (code - 256) : code }
}
