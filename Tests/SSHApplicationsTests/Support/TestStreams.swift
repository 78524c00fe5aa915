import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHApplications

/// The streams of a visit in memory: input that was written beforehand, and output to look at.
final class TestStreams: VisitStreams {
    private struct State {
        var input: [ByteBuffer]
        var output = ""
        var errors = ""
        var terminal: ApplicationTerminal?
    }

    private let state: NIOLockedValueBox<State>
    /// After the prepared input: its end, or silence until the task is cancelled.
    private let endsInput: Bool

    init(_ input: [String] = [], terminal: ApplicationTerminal? = nil, endsInput: Bool = true) {
        state = NIOLockedValueBox(State(input: input.map { ByteBuffer(string: $0) }, terminal: terminal))
        self.endsInput = endsInput
    }

    static let terminal = ApplicationTerminal(type: "xterm", columns: 40, rows: 10)

    var terminal: ApplicationTerminal? { state.withLockedValue { $0.terminal } }
    var output: String { state.withLockedValue { $0.output } }
    var errors: String { state.withLockedValue { $0.errors } }

    func makeEvents() -> AsyncStream<ApplicationEvent> { AsyncStream { $0.finish() } }

    func read() async throws -> ByteBuffer? {
        let piece = state.withLockedValue { $0.input.isEmpty ? nil : $0.input.removeFirst() }
        if piece == nil, !endsInput { try await Task.sleep(for: .seconds(3600)) }
        return piece
    }

    func write(_ data: ByteBuffer, to stream: SSHDataStream) async throws {
        try Task.checkCancellation()
        state.withLockedValue { state in
            if stream == .standardError {
                state.errors += String(buffer: data)
            } else {
                state.output += String(buffer: data)
            }
        }
    }
}

extension ApplicationVisit {
    /// A visit on streams in memory.
    init(
        _ streams: TestStreams, login: String = "app", person: String? = "ada", arguments: [String]? = nil
    ) {
        self.init(
            identity: ApplicationIdentity(login: login, person: person, fingerprint: "SHA256:test"),
            arguments: arguments, streams: streams)
    }
}
