import Foundation
import TestSupport

@testable import Terminal

/// A stream with changes of size and marks at which screens are compared, as Fixtures/record.py writes it.
struct RecordedStream: Sendable {
    enum Event: Sendable {
        case output([UInt8])
        case resize(columns: Int, rows: Int)
        case mark(String)
    }

    var name: String
    var columns: Int
    var rows: Int
    var events: [Event]

    static let recorded: [String] = [
        "apt", "curl", "emoji", "htop", "less", "progress", "python", "reflow", "resize", "shell", "tmux", "top",
        "truecolour",
        "unicode", "vim", "watch",
    ]

    init(name: String, columns: Int, rows: Int, events: [Event]) {
        self.name = name
        self.columns = columns
        self.rows = rows
        self.events = events
    }

    init(recorded name: String) throws {
        let file = Peers.fixtures.appending(path: "streams/\(name).json")
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
        self.init(
            name: name, columns: object["columns"] as? Int ?? 0, rows: object["rows"] as? Int ?? 0,
            events: (object["events"] as? [[Any]] ?? []).compactMap(RecordedStream.event))
    }

    /// What terminals agree on, with a mark now and then.
    init(generated seed: Int) {
        let bytes = GeneratedStream.common(seed: UInt64(seed), count: 3000)
        let events = stride(from: 0, to: bytes.count, by: 100).flatMap { start -> [Event] in
            [.output(Array(bytes[start..<min(start + 100, bytes.count)])), .mark("\(start)")]
        }
        self.init(name: "generated \(seed)", columns: 20 + seed % 40, rows: 5 + seed % 15, events: events)
    }

    private static func event(_ parts: [Any]) -> Event? {
        switch (parts.first as? String, parts.dropFirst().first, parts.last) {
        case ("o", let text as String, _): Data(base64Encoded: text).map { .output([UInt8]($0)) }
        case ("r", let columns as Int, let rows as Int): .resize(columns: columns, rows: rows)
        case ("m", let name as String, _): .mark(name)
        default: nil
        }
    }

    /// Our screen at each mark.
    func screens(scrollback: Int = 1000) -> [(mark: String, screen: Screen)] {
        var screen = Screen(columns: columns, rows: rows, scrollbackLimit: scrollback)
        var result: [(String, Screen)] = []
        for event in events {
            switch event {
            case .output(let bytes): screen.feed(bytes)
            case .resize(let columns, let rows): screen.resize(columns: columns, rows: rows)
            case .mark(let name): result.append((name, screen))
            }
        }
        return result
    }

    var json: [String: Any] {
        let list: [[Any]] = events.map {
            switch $0 {
            case .output(let bytes): ["o", Data(bytes).base64EncodedString()]
            case .resize(let columns, let rows): ["r", columns, rows]
            case .mark(let name): ["m", name]
            }
        }
        return ["columns": columns, "rows": rows, "scrollback": 1000, "events": list]
    }
}

/// Other terminals that the screen is compared with, fetched once into the build folder.
enum Peers {
    static let fixtures = Checkout.root.appending(path: "Tests/TerminalTests/Fixtures")
    /// Seeds of the generated streams: 24 of each kind in the long tests, which with the recorded makes more than 200.
    static let seeds = 1...(ProcessInfo.processInfo.environment["COPILOT_FULL_TESTS"] == nil ? 2 : 24)
    private static let folder = Checkout.root.appending(path: ".build/terminal-peers")

    /// pyte 0.8.2 in a virtual environment; nil without network.
    static var pyte: URL? { get async { await fetchedPyte.value } }

    private static let fetchedPyte = Task<URL?, Never> {
        let python = folder.appending(path: "venv/bin/python")
        if (try? await run(python, ["-c", "import pyte"])) != nil { return python }
        guard (try? await run("python3", ["-m", "venv", folder.appending(path: "venv").path])) != nil,
            (try? await run(
                python, ["-m", "pip", "install", "--quiet", "--retries", "1", "pyte==0.8.2", "wcwidth==0.2.13"]))
                != nil
        else { return nil }
        return python
    }

    /// The script of xterm.js 5.5.0, as spyder-terminal 1.3.1 carries it; nil without network or node.
    static var xterm: URL? { get async { await fetchedXterm.value } }

    private static let fetchedXterm = Task<URL?, Never> {
        let script = folder.appending(
            path: "spyder_terminal/server/static/components/@xterm/xterm/lib/xterm.js")
        guard (try? await run("node", ["--version"])) != nil else { return nil }
        if FileManager.default.fileExists(atPath: script.path) { return script }
        let download = [
            "-m", "pip", "download", "--quiet", "--retries", "1", "--no-deps", "--dest", folder.path,
            "--require-hashes",
            "--requirement", fixtures.appending(path: "xterm-requirements.txt").path,
        ]
        let wheel = folder.appending(path: "spyder_terminal-1.3.1-py2.py3-none-any.whl")
        guard (try? await run("python3", download)) != nil,
            (try? await run("python3", ["-m", "zipfile", "-e", wheel.path, folder.path])) != nil
        else { return nil }
        return script
    }

    @discardableResult
    static func run(_ program: URL, _ arguments: [String], input: Data = Data()) async throws -> Data {
        let folder = try TemporaryFolder()
        try input.write(to: URL(fileURLWithPath: folder.file("in")))
        let ended = try await ChildProcess.run(program.path, arguments, input: folder.file("in"), within: 300)
        guard ended.status == 0 else { throw ToolFailure(description: ended.errors) }
        return Data(ended.output)
    }

    @discardableResult
    static func run(_ program: String, _ arguments: [String]) async throws -> Data {
        try await run(URL(fileURLWithPath: "/usr/bin/env"), [program] + arguments)
    }

    /// The screens that a peer has at the marks of each stream.
    static func screens<T: Decodable>(
        _ program: URL, _ arguments: [String], of streams: [RecordedStream]
    ) async throws -> [[T]] {
        let input = try JSONSerialization.data(withJSONObject: streams.map(\.json))
        return try JSONDecoder().decode([[T]].self, from: await run(program, arguments, input: input))
    }
}
