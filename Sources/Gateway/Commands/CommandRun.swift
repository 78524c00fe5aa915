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
        var picture = CommandPicture()
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
        let text = Self.withReturns(bytes, &state.isAfterReturn)
        state.picture.feed(text)
        state.recorded += UInt64(text.readableBytes)
        let offset = state.recorded
        recorder.output(text) {
            .init(columns: Self.columns, rows: Self.rows, offset: offset, snapshot: state.picture.draw())
        }
    }

    private static func withReturns(_ bytes: ByteBuffer, _ isAfterReturn: inout Bool) -> ByteBuffer {
        var text = ByteBuffer()
        text.reserveCapacity(bytes.readableBytes + bytes.readableBytes / 16 + 64)
        bytes.withUnsafeReadableBytes { all in
            var start = 0
            while let feed = all[start...].firstIndex(of: 0x0A) {
                text.writeBytes(UnsafeRawBufferPointer(rebasing: all[start..<feed]))
                let isReturned = feed > start ? all[feed - 1] == 0x0D : isAfterReturn
                if !isReturned { text.writeInteger(UInt8(0x0D)) }
                text.writeInteger(UInt8(0x0A))
                isAfterReturn = false
                start = feed + 1
            }
            guard start < all.count else { return }
            text.writeBytes(UnsafeRawBufferPointer(rebasing: all[start...]))
            isAfterReturn = all[all.count - 1] == 0x0D
        }
        return text
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

/// The screen that a player shows at a keyframe of a command's recording. Nobody looks at it while the command runs: it is
/// drawn from the end of what came since the last one, which fills it many times over.
struct CommandPicture: Sendable {
    /// Bytes that a screen is drawn from; 24 lines of 80 characters are 2 KiB.
    static let tail = 16 * 1024

    private var screen = Screen(columns: CommandRun.columns, rows: CommandRun.rows, scrollbackLimit: 0)
    private var unseen = ByteBuffer()
    private var isCut = false

    mutating func feed(_ text: ByteBuffer) {
        let skipped = max(0, text.readableBytes - Self.tail)
        if skipped > 0 {
            unseen.clear()
            isCut = true
        }
        unseen.writeBytes(text.readableBytesView.dropFirst(skipped))
        let surplus = unseen.readableBytes - Self.tail
        guard surplus > Self.tail else { return }
        unseen.moveReaderIndex(forwardBy: surplus)
        unseen.discardReadBytes()
        isCut = true
    }

    mutating func draw() -> [UInt8] {
        if isCut {
            // Whatever sequence is cut there is given up (ECMA-48 §8.3.6), and a line begins.
            screen.feed([0x18])
            if let feed = unseen.readableBytesView.firstIndex(of: 0x0A) { unseen.moveReaderIndex(to: feed) }
        }
        let latest = unseen
        latest.withUnsafeReadableBytes { screen.feed($0) }
        _ = screen.takeResponses()
        unseen.clear()
        isCut = false
        return screen.snapshot(scrollback: 0)
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
