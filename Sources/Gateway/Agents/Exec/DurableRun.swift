/// A command that outlives its connection: it runs in a session of processes of its own at the host, which keeps its output and
/// exit code in files, and whoever connects again reads on from where the last one stopped.
///
/// The folder `~/.copilot-agent/<command>` (mode 0700) is the lock: `mkdir` succeeds once, so that no start, however often it is
/// sent, runs a command twice. The exit code appears by a rename, never half. Only `sh`, `mkdir`, `wc`, `tail`, `head` and `sleep`
/// are needed; with `setsid` the command leaves the connection's session, without it it ignores the connection's end.
enum DurableRun {
    /// How an attached channel ends when there is no exit code to tell: by a signal to itself, which no exit code can be
    /// taken for.
    enum Trouble: String {
        /// The processes are gone and left no exit code: the machine was restarted, or somebody ended them.
        case gone = "USR1"
        /// There is no such folder: the command never began, or what it left was removed.
        case absent = "USR2"
    }

    static let folder = ".copilot-agent"

    /// The same script as root runs it: in root's own home, which nobody else can put a link into. sudo may leave another's as HOME.
    static func ofRoot(_ script: String) -> String { "HOME=~root; export HOME\n" + script }

    /// Starts a command once, and stays with it.
    /// - Parameters:
    ///   - script: for `sh`.
    ///   - id: the command's, which stands as `$0` of its processes: by that they are found again.
    ///   - inputBytes: how many bytes of input come over the channel before anything begins; fewer, and nothing does.
    static func start(_ script: String, id: String, inputBytes: Int) -> String {
        #"""
        umask 077
        b="$HOME/\#(folder)"; d="$b/\#(id)"
        if mkdir -p "$b" && mkdir "$d" 2>/dev/null; then
          for x in "$b"/cmd_*; do
            [ -f "$x/rc" ] && [ -n "$(find "$x/rc" -mtime +0 2>/dev/null)" ] && rm -rf "$x"
          done
          cat > "$d/in"
          if [ "$(wc -c < "$d/in")" -ne \#(inputBytes) ]; then rm -rf "$d"; kill -USR2 $$; exit 1; fi
          printf %s \#(ShellQuoting.word(script)) > "$d/run"
          w='d="$HOME/\#(folder)/$0"; echo $$ > "$d/pid"; \#
        sh -c "eval \"\$(cat \"\$HOME/\#(folder)/\$0/run\")\"" "$0" < "$d/in" > "$d/out" 2> "$d/err"; \#
        echo $? > "$d/rc.new"; mv "$d/rc.new" "$d/rc"'
          if command -v setsid >/dev/null 2>&1; then
            (setsid sh -c "$w" \#(id) </dev/null >/dev/null 2>&1 &)
          else
            (trap '' HUP; sh -c "$w" \#(id) </dev/null >/dev/null 2>&1 &)
          fi
        fi

        """# + attach(id: id, output: 0, error: 0)
    }

    /// Stays with a command that was started before, from so many bytes of its output on.
    static func attach(id: String, output: Int, error: Int) -> String {
        """
        d="$HOME/\(folder)/\(id)"; o=\(output); e=\(error); n=0
        [ -d "$d" ] || { kill -USR2 $$; exit 1; }
        while :; do
          f=
          if [ -f "$d/rc" ]; then f=1
          elif [ -f "$d/pid" ]; then kill -0 "$(cat "$d/pid")" 2>/dev/null || { [ -f "$d/rc" ] && f=1 || f=2; }
          elif [ $n -gt 100 ]; then f=2
          fi
          s=0; [ -f "$d/out" ] && s=$(($(wc -c < "$d/out")))
          if [ $s -gt $o ]; then tail -c +$((o+1)) "$d/out" | head -c $((s-o)); o=$s; fi
          s=0; [ -f "$d/err" ] && s=$(($(wc -c < "$d/err")))
          if [ $s -gt $e ]; then tail -c +$((e+1)) "$d/err" | head -c $((s-e)) >&2; e=$s; fi
          case "$f" in
            1) exit "$(cat "$d/rc")";;
            2) kill -USR1 $$; exit 1;;
          esac
          n=$((n+1))
          if [ $n -lt 20 ]; then sleep 0.05 2>/dev/null || sleep 1; else sleep 0.3 2>/dev/null || sleep 1; fi
        done
        """
    }

    /// Removes what finished commands left.
    static func removal(_ ids: [String]) -> String {
        ids.map { "rm -rf \"$HOME/\(folder)/\($0)\"" }.joined(separator: "; ")
    }
}
