// The caller's side of `--reuse`: its descriptors go to the process that keeps the connection, which does the rest; the
// terminal's settings, its size and the signals stay here. No event loop: it waits for two descriptors.

import CLocalCalls
import NIOCore
import SSH

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct ReusedConnection {
    enum Opening {
        case open(ReusedConnection)
        /// The process that was to keep the connection failed, and has said why.
        case failed(Int32)
    }

    private let socket: Int32
    private let path: String

    /// Finds the process that keeps the connection, or starts it.
    static func open(_ configuration: SSHConfiguration) throws(Failure) -> Opening {
        let path = try KeeperSocket.path(configuration)
        if let socket = OwnerSocket.connect(path) { return .open(ReusedConnection(socket: socket, path: path)) }
        if let status = try Background.start(environment: [ConnectionKeeper.variable: path]) { return .failed(status) }
        guard let socket = OwnerSocket.connect(path) else {
            throw Failure(
                "The connection that was to be kept is gone already.", hint: "Try again, or leave out --reuse.",
                status: .connection)
        }
        return .open(ReusedConnection(socket: socket, path: path))
    }

    /// Has the next call find it by this name.
    func leaveAddress(_ name: String) { CallAddress.leave(name, for: path) }

    /// Has the task done there, to its end.
    ///
    /// - Parameter ready: Called when everything that can fail at the beginning has not.
    func run(_ task: HostTask, ready: () -> Void) throws(Failure) -> Int32 {
        defer { close(socket) }
        let terminal = LocalTerminal(STDIN_FILENO)
        defer { terminal?.restore() }
        let signals = terminal_signals_open()
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT] { terminal_signals_watch(signal) }
        try begin(task)
        var input = ByteBuffer()
        var isRaw = false
        while true {
            var waiting = [
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waiting, 2, -1) >= 0 || errno == EINTR else { throw Self.lost }
            if waiting[1].revents != 0 { try heed(signals, terminal, isRaw) }
            guard waiting[0].revents != 0 else { continue }
            guard receive(&input) else { throw Self.lost }
            while let message = try KeeperMessage.next(&input) {
                switch message {
                case .ready: ready()
                case .setRaw(let raw):
                    isRaw = raw
                    if raw { terminal?.makeRaw() } else { terminal?.restore() }
                case .suspend:
                    kill(getpid(), SIGTSTP)
                    try tellSize(terminal)
                case .ended(let status): return Int32(truncatingIfNeeded: status)
                case .failed(let sentence, let hint):
                    throw Failure(sentence, hint: hint, status: .connection)
                case .begin, .call, .resize, .giveUp, .declined: throw KeeperMessage.broken
                }
            }
        }
    }

    private static let lost = Failure(
        "The process that keeps the connection went away.", hint: "Connect again.", status: .connection)

    private func begin(_ task: HostTask) throws(Failure) {
        let bytes = Array(KeeperMessage.begin(task.beginning).encoded().readableBytesView)
        let descriptors = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
        let sent = descriptors_send(socket, bytes, UInt(bytes.count), descriptors, 3)
        guard sent > 0 else { throw Self.lost }
        try send(bytes.dropFirst(sent))
    }

    private func send(_ bytes: ArraySlice<UInt8>) throws(Failure) {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { descriptors_send(socket, $0.baseAddress, UInt($0.count), nil, 0) }
            guard sent > 0 else { throw Self.lost }
            rest = rest.dropFirst(sent)
        }
    }

    private func send(_ message: KeeperMessage) throws(Failure) {
        try send(Array(message.encoded().readableBytesView)[...])
    }

    private func heed(_ signals: Int32, _ terminal: LocalTerminal?, _ isRaw: Bool) throws(Failure) {
        var number: UInt8 = 0
        guard read(signals, &number, 1) == 1 else { return }
        defer { terminal_signals_done(Int32(number)) }
        switch Int32(number) {
        case SIGWINCH: try tellSize(terminal)
        case SIGCONT:
            if isRaw { terminal?.makeRawAgain() }
            try tellSize(terminal)
        default: try send(.giveUp)
        }
    }

    private func tellSize(_ terminal: LocalTerminal?) throws(Failure) {
        guard let size = terminal?.size else { return }
        try send(.resize(columns: UInt32(clamping: size.columns), rows: UInt32(clamping: size.rows)))
    }

    /// False at the end.
    private func receive(_ input: inout ByteBuffer) -> Bool {
        let count = input.writeWithUnsafeMutableBytes(minimumWritableBytes: 4096) { room in
            max(recv(socket, room.baseAddress, room.count, 0), 0)
        }
        return count > 0
    }
}

extension HostTask {
    /// What the process that keeps the connection is told.
    var beginning: KeeperMessage.Beginning {
        let work: KeeperMessage.Beginning.Work =
            switch work {
            case .session(let plan): .session(plan)
            case .streams(let target): .streams(target)
            case .forwards: .forwards
            }
        let forwards: [(kind: ForwardText.Kind, forward: ConfigurationForward)] =
            configuration.localForwards.map { (.local, $0) } + configuration.dynamicForwards.map { (.dynamic, $0) }
            + configuration.remoteForwards.map { (.remote, $0) }
        return KeeperMessage.Beginning(work: work, forwards: forwards)
    }
}
