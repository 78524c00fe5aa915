import Crypto
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Policy
import Recording
import SSH
import Storage
import Terminal

@testable import Gateway

/// A live session on a loop of its own, with a host that is a script and a recording in a temporary folder.
final class SessionBench: Sendable {
    let session: LiveSession
    let wire: ScriptedWire
    let ada = SessionBench.caller("ada", "Ada", role: "admin")
    let bob = SessionBench.caller("bob", "Bob", role: "devops")
    let guest = SessionBench.caller("eve", "Eve", role: "guest")

    static func run(
        limits: LiveSession.Limits = .init(), watch: SessionWatch.Demand? = nil,
        _ body: @Sendable (SessionBench) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let io = try RecordingIO()
        let bench = try SessionBench(loop: group.next(), folder: folder.path, io: io, limits: limits, watch: watch)
        await bench.session.began(bench.wire)
        let result: Result<Void, any Error>
        do { result = .success(try await body(bench)) } catch { result = .failure(error) }
        await bench.session.end(SessionEnding(reason: .shutdown, detail: "The test is over."))
        _ = try? await bench.session.ended.get()
        await io.shutdown()
        try? FileManager.default.removeItem(at: folder)
        try await group.shutdownGracefully()
        try result.get()
    }

    private init(
        loop: any EventLoop, folder: String, io: RecordingIO, limits: LiveSession.Limits, watch: SessionWatch.Demand?
    )
        throws
    {
        let writer = try RecordingWriter.create(
            path: folder + "/session.rec",
            header: RecordingHeader(
                id: "rec_1", session: "ses_1", title: "t", host: "web", user: "Ada", startedAt: 0, columns: 80, rows: 24
            ),
            key: SymmetricKey(size: .bits256), wrappedKey: [1], io: io)
        let host = PolicyObject(kind: "host", id: "hst_1", tags: ["devops"], ownerIDs: ["ada"])
        wire = ScriptedWire()
        session = LiveSession(
            origin: .init(
                id: "ses_1", tenant: "default", host: .init(id: "hst_1", alias: "web", environment: "other"),
                owner: .init(id: "ada", name: "Ada"), startedBy: nil, startedAt: .now(), recordingID: "rec_1",
                command: nil),
            columns: 80, rows: 24,
            access: SessionAccess(policy: .standard, host: host, keyboardChanged: { _, _ in }), limits: limits,
            recorder: SessionRecorder(writer: writer, columns: 80), participants: [], demand: watch, eventLoop: loop)
    }

    private static func caller(_ id: String, _ name: String, role: String) -> Caller {
        Caller(
            tenant: "default", userID: id, username: id, name: name, role: role, signInID: "sgn_\(id)",
            address: "127.0.0.1")
    }

    // MARK: Seats

    @discardableResult
    func sit(
        _ caller: Caller, client: String? = nil, invited: SeatMode? = nil, have: UInt64? = nil,
        acknowledges: Bool = true
    ) async throws -> WatchedSeat {
        if let invited { await invite(caller, invited) }
        let seat = WatchedSeat(session: session, acknowledges: acknowledges)
        let id = try await session.attach(
            caller, clientID: client ?? caller.userID, device: "desktop", have: have, columns: 80, rows: 24,
            outlet: seat)
        seat.took(id)
        return seat
    }

    func invite(_ caller: Caller, _ mode: SeatMode) async {
        await session.share(with: .init(userId: caller.userID, name: caller.name, mode: mode))
    }

    func uninvite(_ caller: Caller) async { await session.unshare(userID: caller.userID) }
    func leave(_ seat: WatchedSeat) async { await session.disconnected(seat: seat.seatID(), outlet: seat) }
    func take(_ seat: WatchedSeat) async { await session.takeKeyboard(seat: seat.seatID()) }
    func give(_ seat: WatchedSeat, _ other: WatchedSeat?) async {
        await session.giveKeyboard(seat: seat.seatID(), to: other?.seatID())
    }
    func request(_ seat: WatchedSeat) async { await session.requestKeyboard(seat: seat.seatID()) }
    func says(_ seat: WatchedSeat, _ kind: String, _ json: String) async {
        await session.noted(seat: seat.seatID(), kind: kind, json: json)
    }
    func size(_ seat: WatchedSeat, _ columns: Int, _ rows: Int) async {
        await session.sized(seat: seat.seatID(), columns: columns, rows: rows)
    }
    func type(_ seat: WatchedSeat, _ sequence: UInt64, _ text: String) async {
        await session.input(seat: seat.seatID(), sequence: sequence, bytes: ByteBuffer(string: text))
    }
    func acknowledge(_ seat: WatchedSeat, _ offset: UInt64) async {
        await session.acknowledged(seat: seat.seatID(), offset: offset)
    }

    // MARK: The host

    func host(_ text: String) async { await session.received(ByteBuffer(string: text)) }
    func exit(status: Int) async {
        await session.hostExited(status: status, signal: nil)
        await session.hostClosed(nil)
    }
    func lost() async { await session.hostClosed(SSHError(.connectionLost, "The host went away.", hint: "")) }
    func recording(_ change: SessionRecorder.Change) async { await session.recordingChanged(change) }
    func hostReceived() async -> String { wire.state.withLockedValue { $0.received } }
    func hostSize() async -> [Int] { wire.state.withLockedValue { $0.size } }
    func creditReturned() async -> Int { wire.state.withLockedValue { $0.credit } }

    /// Returns when the loop has run everything that was waiting, and what that made.
    func settle() async {
        for _ in 0..<3 { try? await session.eventLoop.submit {}.get() }
        // Changes that follow each other closely are told together, a moment later.
        while await session.isStateScheduled {
            try? await session.eventLoop.scheduleTask(in: .milliseconds(5)) {}.futureResult.get()
        }
    }
}

/// The host's side of a session, as a script: what it was sent, and the credit it was given.
final class ScriptedWire: SessionWire {
    var connection: SSHConnection? { nil }
    struct State {
        var received = ""
        var size: [Int] = []
        var credit = 0
        var isWritable = true
        /// What was to leave at once.
        var urgent = ""
    }

    let state = NIOLockedValueBox(State())
    var isWritable: Bool { state.withLockedValue { $0.isWritable } }
    func write(_ bytes: ByteBuffer, isUrgent: Bool) {
        state.withLockedValue {
            $0.received += String(buffer: bytes)
            if isUrgent { $0.urgent += String(buffer: bytes) }
        }
    }
    func resize(columns: Int, rows: Int) { state.withLockedValue { $0.size = [columns, rows] } }
    func consumed(_ bytes: Int) { state.withLockedValue { $0.credit += bytes } }
    func close() {}
}

/// A seat that writes down what it is told, and acknowledges output like a terminal that keeps up.
final class WatchedSeat: SeatOutlet {
    private struct State {
        var id = ""
        var messages: [SeatMessage] = []
        var lastOffset: UInt64 = 0
    }

    private let session: LiveSession
    private let acknowledges: Bool
    private let state = NIOLockedValueBox(State())

    init(session: LiveSession, acknowledges: Bool) {
        self.session = session
        self.acknowledges = acknowledges
    }

    func took(_ id: String) { state.withLockedValue { $0.id = id } }
    func seatID() -> String { state.withLockedValue { $0.id } }

    func send(_ message: SeatMessage) {
        let (id, offset) = state.withLockedValue { state in
            state.messages.append(message)
            if case .pieces(let pieces) = message {
                for case .output(let offset, let bytes) in pieces {
                    state.lastOffset = offset + UInt64(bytes.readableBytes)
                }
            }
            return (state.id, state.lastOffset)
        }
        guard acknowledges, case .pieces = message else { return }
        session.eventLoop.execute { self.session.assumeIsolated { $0.acknowledged(seat: id, offset: offset) } }
    }

    private func all<Value>(_ pick: (SeatMessage) -> Value?) -> [Value] {
        state.withLockedValue { $0.messages.compactMap(pick) }
    }

    func output() -> String {
        all { message -> String? in
            guard case .pieces(let pieces) = message else { return nil }
            return pieces.map { if case .output(_, let bytes) = $0 { String(buffer: bytes) } else { "" } }.joined()
        }.joined()
    }
    func outputBytes() -> Int { output().utf8.count }
    func lastOffset() -> UInt64 { state.withLockedValue { $0.lastOffset } }
    func refusals() -> [String] { all { if case .inputRefused(_, let code, _) = $0 { code } else { nil } } }
    func accepted() -> [UInt64] { all { if case .inputAccepted(let sequence) = $0 { sequence } else { nil } } }
    func notices() -> [String] { all { if case .notice(let code, _, _) = $0 { code } else { nil } } }
    func notes(_ wanted: String) -> [String] {
        all { if case .note(let kind, let json) = $0, kind == wanted { json } else { nil } }
    }
    func skips() -> Int { all { if case .skipped = $0 { true } else { nil } }.count }
    func wasRemoved() -> Bool { !all { if case .removed = $0 { true } else { nil } }.isEmpty }
    func ending() -> SessionEnding? { all { if case .ended(let ending) = $0 { ending } else { nil } }.last }
    func lastState() -> SeatState? { all { if case .state(let state) = $0 { state } else { nil } }.last }
    func snapshotOffset() -> UInt64? {
        all { if case .snapshot(let offset, _, _, _) = $0 { offset } else { nil } }.last
    }
    func snapshotText() -> String {
        all { if case .snapshot(_, _, _, let vt) = $0 { String(decoding: vt, as: UTF8.self) } else { nil } }.last ?? ""
    }
}
