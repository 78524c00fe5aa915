import Crypto
import NIOConcurrencyHelpers
public import NIOCore
import SSHProtocol
import Terminal

/// A command, or a shell without a terminal, that runs at a host for one person: permitted, recorded and audited like a
/// session, and listed among those that have ended.
///
/// What it prints is recorded up to a limit; what it is given is counted and hashed and never kept, since nothing echoes it.
/// May be used from any thread; the order of calls is the order of the recording.
public final class CommandRun: Sendable {
    /// Output that is kept of one command, in bytes. Everything is counted and hashed.
    static let recordingLimit = 8 << 20

    private struct State {
        var screen = Screen(columns: CommandRun.columns, rows: CommandRun.rows, scrollbackLimit: 0)
        /// Bytes given to the recorder.
        var recorded: UInt64 = 0
        var isAfterReturn = false
        var isCut = false
        var toHost = PassedBytes()
        var fromHost = PassedBytes()
        var isFinished = false
    }

    static let columns = 80
    static let rows = 24

    /// Names it like a session.
    public let id: String
    public let kind: CommandKind
    let view: SessionView
    let caller: Caller
    private let recorder: SessionRecorder
    private let sessions: Sessions
    private let state = NIOLockedValueBox(State())

    init(
        _ view: SessionView, kind: CommandKind, words: String, caller: Caller, recorder: SessionRecorder,
        sessions: Sessions
    ) {
        id = view.id
        self.kind = kind
        self.view = view
        self.caller = caller
        self.recorder = recorder
        self.sessions = sessions
        state.withLockedValue { state in
            record(ByteBuffer(string: "$ " + DisplayText.neutralise(words, limit: 4096) + "\n"), &state)
            guard kind != .general else { return }
            record(ByteBuffer(string: "[What passes here is counted and hashed, and not kept.]\n"), &state)
        }
    }

    /// Told, from any thread, when the host has to wait because the recording can't be written, and when it goes on.
    public func onHold(_ tell: @escaping @Sendable (Bool) -> Void) {
        recorder.onChange { change in
            switch change {
            case .behind, .stalled: tell(true)
            case .caughtUp, .recovered: tell(false)
            }
        }
    }

    /// The host sent this, of either stream.
    public func output(_ bytes: ByteBuffer) {
        state.withLockedValue { state in
            state.fromHost.add(bytes)
            guard kind == .general, !state.isCut else { return }
            let room = UInt64(Self.recordingLimit) - min(state.recorded, UInt64(Self.recordingLimit))
            record(
                bytes.getSlice(at: bytes.readerIndex, length: Int(min(room, UInt64(bytes.readableBytes)))) ?? bytes,
                &state)
            guard UInt64(bytes.readableBytes) >= room else { return }
            state.isCut = true
            record(ByteBuffer(string: "\n[More output followed. It was counted and hashed, and not kept.]\n"), &state)
        }
    }

    /// The person sent this.
    public func input(_ bytes: ByteBuffer) { state.withLockedValue { $0.toHost.add(bytes) } }

    /// A program without a terminal ends its lines with a line feed alone; a player is a terminal.
    private func record(_ bytes: ByteBuffer, _ state: inout State) {
        var text = ByteBuffer()
        text.reserveCapacity(bytes.readableBytes + 64)
        for byte in bytes.readableBytesView {
            if byte == 0x0A, !state.isAfterReturn { text.writeInteger(UInt8(0x0D)) }
            state.isAfterReturn = byte == 0x0D
            text.writeInteger(byte)
        }
        state.screen.feed(text.readableBytesView)
        _ = state.screen.takeResponses()
        state.recorded += UInt64(text.readableBytes)
        let (screen, offset) = (state.screen, state.recorded)
        recorder.output(text) {
            .init(columns: Self.columns, rows: Self.rows, offset: offset, snapshot: screen.snapshot(scrollback: 0))
        }
    }

    /// It is over. The first call counts; its end is stored and audited in the background, before the copilot stops.
    public func finish(_ ending: SessionEnding) {
        let passed: (toHost: PassedBytes, fromHost: PassedBytes)? = state.withLockedValue { state in
            guard !state.isFinished else { return nil }
            state.isFinished = true
            return (state.toHost, state.fromHost)
        }
        guard let passed else { return }
        recorder.ended(ending)
        let details = [
            "reason": ending.reason.rawValue, "detail": ending.detail, "toHost": String(passed.toHost.count),
            "toHostSHA256": passed.toHost.digest, "fromHost": String(passed.fromHost.count),
            "fromHostSHA256": passed.fromHost.digest,
        ]
        sessions.commandEnds.add { [self] in
            await sessions.store(self, ending, details: details, recording: await recorder.close())
        }
    }
}

/// Bytes that passed in one direction.
struct PassedBytes: Sendable {
    private(set) var count: UInt64 = 0
    private var hash = SHA256()

    mutating func add(_ bytes: ByteBuffer) {
        count &+= UInt64(bytes.readableBytes)
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
    }

    /// SHA-256 in hexadecimal.
    var digest: String { Hexadecimal.text(hash.finalize()) }
}

enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// The ends of commands that are being stored, so that a stop can wait for them all.
final class CommandEnds: Sendable {
    private let tasks = NIOLockedValueBox<(next: Int, running: [Int: Task<Void, Never>])>((0, [:]))

    func add(_ work: @escaping @Sendable () async -> Void) {
        tasks.withLockedValue { tasks in
            let number = tasks.next
            tasks.next += 1
            tasks.running[number] = Task {
                await work()
                self.tasks.withLockedValue { _ = $0.running.removeValue(forKey: number) }
            }
        }
    }

    func finish() async {
        for task in tasks.withLockedValue({ Array($0.running.values) }) { await task.value }
    }
}
