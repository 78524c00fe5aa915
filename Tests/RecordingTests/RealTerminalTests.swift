import Foundation
import Testing

@testable import Recording

/// Input redaction against real programs on a real PTY. A script types when it sees what it waits for and writes down
/// both directions; the transcript is then played into `InputRedaction`.
@Suite struct RealTerminalTests {
    /// Steps: `expect` text; `silence`: wait until a program reads a line without echo; `send` text at once; `keys`: one
    /// by one, the next when something came back or after 50 ms; `paced`: one by one, 120 ms apart whatever comes.
    private static let driver = """
        import json, os, pty, select, sys, time, fcntl, termios, struct
        argv, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM='xterm-256color', PS1='ada$ ', LC_ALL='C.UTF-8', HISTFILE='')
            os.execvp(argv[0], argv)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        seen, log, start = b'', [], time.monotonic()
        def note(kind, data):
            log.append([int((time.monotonic() - start) * 1e6), kind, data.hex()])
        def pump(seconds):
            global seen
            if not select.select([fd], [], [], seconds)[0]: return False
            try: data = os.read(fd, 65536)
            except OSError: return None
            if not data: return None
            note('o', data); seen += data
            return True
        def send(text):
            note('i', text.encode()); os.write(fd, text.encode())
        for step in steps:
            if step[0] == 'expect':
                deadline = time.monotonic() + 15
                while step[1].encode() not in seen:
                    if pump(0.2) is None or time.monotonic() > deadline:
                        print('missing', step[1], repr(seen), file=sys.stderr); sys.exit(3)
                seen = seen.split(step[1].encode(), 1)[1]
            elif step[0] == 'send': send(step[1])
            elif step[0] == 'keys':
                for key in step[1]: send(key); pump(0.05)
            elif step[0] == 'paced':
                for key in step[1]:
                    send(key); until = time.monotonic() + 0.12
                    while (rest := until - time.monotonic()) > 0: pump(rest)
            elif step[0] == 'silence':
                deadline = time.monotonic() + 15
                # A shell's line editor echoes by itself: only with whole lines is it a program that asks.
                while termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON) != termios.ICANON \
                        and time.monotonic() < deadline: pump(0.01)
        while pump(0.3): pass
        os.close(fd)
        print(json.dumps(log))
        """

    private struct Entry: Decodable {
        let time: Int64
        let kind: String
        let bytes: [UInt8]

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            time = try list.decode(Int64.self)
            kind = try list.decode(String.self)
            let digits = Array(try list.decode(String.self).utf8)
            bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
            }
        }
    }

    private func play(_ argv: [String], _ steps: [[String]]) async throws -> (typed: String, output: String) {
        let encoder = JSONEncoder()
        let result = try await run([
            "python3", "-c", Self.driver, String(decoding: try encoder.encode(argv), as: UTF8.self),
            String(decoding: try encoder.encode(steps), as: UTF8.self),
        ])
        try #require(result.status == 0, "\(result.output)")
        let entries = try JSONDecoder().decode([Entry].self, from: Data(result.output.utf8))
        var talk = Conversation()
        for entry in entries {
            talk.events +=
                entry.kind == "o"
                ? talk.redaction.output(entry.bytes, at: entry.time)
                : talk.redaction.input(entry.bytes, actor: "ada", at: entry.time)
            talk.time = entry.time
        }
        talk.wait(3)
        talk.end()
        return (talk.typed, outputText(talk.events))
    }

    private static let shell = ["bash", "--norc", "--noprofile", "-i"]

    @Test("commands typed in bash are kept, with corrections and completion")
    func commands() async throws {
        let typed = try await play(
            Self.shell,
            [
                ["expect", "ada$ "], ["keys", "echo onx"], ["keys", "\u{7F}"], ["keys", "e\r"], ["expect", "one\r\n"],
                ["expect", "ada$ "], ["send", "echo two\r"], ["expect", "two\r\n"], ["expect", "ada$ "],
                ["keys", "cd /us\t"], ["keys", "\r"], ["expect", "ada$ "], ["send", "pwd\r"], ["expect", "/usr\r\n"],
            ]
        ).typed
        #expect(typed.contains("echo onx\u{7F}e\r"))
        #expect(typed.contains("echo two\r"))
        #expect(typed.contains("cd /us\t\r"))
        #expect(typed.contains("pwd\r"))
    }

    @Test("`read -s` stores no password, with a prompt or without one", arguments: ["", "-p 'speak: '"])
    func readSilently(prompt: String) async throws {
        for how in ["send", "keys"] {
            let typed = try await play(
                Self.shell,
                [
                    ["expect", "ada$ "], ["send", "echo ready; read -s \(prompt) word; echo done\r"],
                    ["expect", "ready\r\n"],
                    ["silence"], [how, "hunter2\r"], ["expect", "done\r\n"], ["expect", "ada$ "], ["keys", "exit\r"],
                ]
            ).typed
            #expect(!typed.contains("hunter2") && typed.contains("<7>"))
            #expect(typed.contains("read -s") && typed.hasSuffix("exit\r"))
        }
    }

    @Test("a password typed while other output runs over the prompt is not stored")
    func noise() async throws {
        let command =
            "echo ready; (for i in 1 2 3 4 5 6 7 8; do printf 'root '; sleep 0.1; done) & read -s word; echo end\r"
        for how in ["send", "keys"] {
            let typed = try await play(
                Self.shell,
                [
                    ["expect", "ada$ "], ["send", command], ["expect", "ready\r\n"], ["silence"], [how, "root\r"],
                    ["expect", "end\r\n"],
                    ["send", "exit\r"],
                ]
            ).typed
            #expect(typed.contains("<4>") && !typed.contains("root\r"))
        }
    }

    @Test("single-letter noise that spells the password is not its echo")
    func spellingNoise() async throws {
        let command =
            "echo ready; (for i in x x x x x x x x x; do printf $i; sleep 0.05; done) & read -s word; echo end\r"
        let typed = try await play(
            Self.shell,
            [
                ["expect", "ada$ "], ["send", command], ["expect", "ready\r\n"], ["silence"], ["paced", "xxxx\r"],
                ["expect", "end\r\n"],
            ]
        ).typed
        #expect(!typed.contains("xxxx\r"))
    }

    @Test("a password typed ahead, before the program asks for it, is not stored")
    func typeAhead() async throws {
        let command = "echo ready; sleep 0.5; read -s -p 'Password: ' word; echo got\r"
        let result = try await play(
            Self.shell,
            [
                ["expect", "ada$ "], ["send", command], ["expect", "ready\r\n"], ["send", "hunter2\r"],
                ["expect", "got"],
                ["expect", "ada$ "],
            ])
        #expect(!result.typed.contains("hunter2") && result.typed.contains("<7>"))
        #expect(result.typed.contains("read -s"))
    }

    @Test("a password pasted together with the command that asks for it is not stored")
    func pastedWithCommand() async throws {
        let typed = try await play(
            Self.shell,
            [
                ["expect", "ada$ "], ["send", "read -s word; echo got\rhunter2\r"], ["expect", "got\r\n"],
                ["silence"], ["send", "\r"], ["expect", "got\r\n"], ["expect", "ada$ "],
            ]
        ).typed
        #expect(!typed.contains("hunter2"))
        #expect(typed.hasPrefix("read -s word; echo got\r"))
    }

    @Test("a sudo-like prompt, wrong twice and then right, stores nothing")
    func sudoLike() async throws {
        let program = """
            import getpass, sys
            for attempt in range(3):
                if getpass.getpass('[sudo] password for ada: ') == 'correct horse': print('welcome'); break
                print('Sorry, try again.')
            """
        let typed = try await play(
            ["python3", "-c", program],
            [
                ["expect", "ada: "], ["keys", "wrong\r"], ["expect", "again"], ["expect", "ada: "],
                ["send", "worse\r"],
                ["expect", "again"], ["expect", "ada: "], ["keys", "correct horse\r"], ["expect", "welcome"],
            ]
        ).typed
        #expect(typed == "<5>\r<5>\r<13>\r")
    }

    @Test("a prompt that echoes stars stores nothing")
    func starEcho() async throws {
        let program = """
            import os, sys, termios, tty
            old = termios.tcgetattr(0); tty.setraw(0)
            sys.stdout.write('Code word '); sys.stdout.flush()
            while True:
                key = os.read(0, 1)
                if key == b'\\r': break
                sys.stdout.write('*'); sys.stdout.flush()
            termios.tcsetattr(0, termios.TCSADRAIN, old); print(); print('ok')
            """
        let typed = try await play(
            ["python3", "-c", program],
            [
                ["expect", "word "], ["keys", "hunter2\r"], ["expect", "ok"],
            ]
        ).typed
        #expect(typed == "<7>\r")
    }

    @Test("`ssh-keygen` asking twice for a passphrase stores nothing")
    func keygen() async throws {
        let folder = try TemporaryFolder()
        let typed = try await play(
            ["ssh-keygen", "-q", "-t", "ed25519", "-f", folder.file("key")],
            [
                ["expect", "passphrase"], ["send", "correct horse\r"], ["expect", "again"],
                ["keys", "correct horse\r"],
            ]
        ).typed
        #expect(typed == "<13>\r<13>\r")
    }

    @Test(
        "`su` asking for a password stores nothing",
        .enabled(if: getuid() == 0, "needs root to become a user whom su asks"))
    func su() async throws {
        let typed = try await play(
            ["runuser", "-u", "nobody", "--", "su", "root"],
            [
                ["expect", "assword: "], ["keys", "hunter2\r"], ["expect", "\r\n"],
            ]
        ).typed
        #expect(typed == "<7>\r")
    }

    @Test("a session in vi stores no text that was not echoed where it was typed")
    func fullScreen() async throws {
        let typed = try await play(
            [
                "python3", "-c",
                "import curses; curses.wrapper(lambda s: (s.addstr(5, 5, 'go'), s.refresh(), [s.getch() for _ in range(4)]))",
            ],
            [
                ["expect", "go"], ["keys", "abcd"],
            ]
        ).typed
        #expect(typed == "<4>")
    }
}
