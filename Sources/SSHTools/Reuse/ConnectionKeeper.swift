// The process that keeps a connection for `--reuse`. It serves callers of its own user alone, over a unix socket that only
// they reach, and ends when nobody has come for a while or the connection is over.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct ConnectionKeeper: Sendable {
    /// Says where to listen to the process that is to keep a connection.
    static let variable = "COPILOT_SSH_KEEP"

    /// Where this process is to listen, if it is one. Asked once.
    static func pathToKeep() -> String? {
        guard let path = getenv(variable).map({ String(cString: $0) }), !path.isEmpty else { return nil }
        unsetenv(variable)
        return path
    }

    private let host: OpenHost
    private let path: String
    private let idle: TimeAmount

    init(_ host: OpenHost, at path: String, seconds: Int) {
        self.host = host
        self.path = path
        idle = .seconds(Int64(seconds))
    }

    /// Serves until it is over.
    func run() async throws(Failure) -> Int32 {
        let listener = try OwnerSocket.listen(path)
        Background.becomeReady(keepsOutput: false)
        let eventLoop = host.connection.eventLoop
        let over = eventLoop.makePromise(of: Void.self)
        let visits = NIOLoopBoundBox.makeBoxSendingValue(Visits(idle: idle, over: over), eventLoop: eventLoop)
        // Accepting and the first message block: a thread of their own does it.
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        threads.submit { _ in accept(listener, visits) }
        eventLoop.execute { visits.value.wait(on: eventLoop) }
        host.connection.closed.whenComplete { _ in over.succeed() }
        try? await over.futureResult.get()
        // Somebody else's by now, if it was put in its place; then it is missed once and made anew.
        unlink(path)
        CallAddress.removeAll(leadingTo: path)
        await host.connection.close()
        return 0
    }

    /// Callers at present, and the time without any. Loop-bound.
    final class Visits {
        private let idle: TimeAmount
        private let over: EventLoopPromise<Void>
        private var count = 0
        private var timer: Scheduled<Void>?

        init(idle: TimeAmount, over: EventLoopPromise<Void>) {
            self.idle = idle
            self.over = over
        }

        func begin() {
            count += 1
            timer?.cancel()
            timer = nil
        }

        func end(on eventLoop: any EventLoop) {
            count -= 1
            if count == 0 { wait(on: eventLoop) }
        }

        func wait(on eventLoop: any EventLoop) {
            guard count == 0 else { return }
            let over = over
            timer = eventLoop.scheduleTask(in: idle) { over.succeed() }
        }
    }

    // MARK: Callers

    private func accept(_ listener: Int32, _ visits: NIOLoopBoundBox<Visits>) {
        while host.connection.isOpen {
            let socket = OwnerSocket.accept(listener)
            guard socket >= 0 else {
                guard errno == EINTR || errno == ECONNABORTED else { return }
                continue
            }
            guard OwnerSocket.isOwn(socket), let arrival = Arrival(socket, path) else {
                close(socket)
                continue
            }
            let host = host
            host.connection.eventLoop.execute {
                visits.value.begin()
                KeeperVisit(arrival, host) { visits.value.end(on: host.connection.eventLoop) }.start()
            }
        }
    }

    /// A caller, with what it wants and its three descriptors.
    struct Arrival: Sendable {
        let socket: Int32
        let descriptors: [Int32]
        let beginning: KeeperMessage.Beginning
        /// Received behind the first message.
        let rest: ByteBuffer

        /// Reads the first message, for at most five seconds. nil for a caller that does not make sense.
        ///
        /// - Parameter path: Where this process listens.
        init?(_ socket: Int32, _ path: String) {
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var input = ByteBuffer()
            var held: [Int32] = []
            while input.readableBytes <= KeeperMessage.maximumLength + 4 {
                guard OwnerSocket.receive(socket, &input, &held) > 0, held.count <= 3 else { break }
                guard let message = try? KeeperMessage.next(&input) else { continue }
                guard held.count == 3, let beginning = Self.beginning(message, socket, path) else { break }
                self.socket = socket
                descriptors = held
                self.beginning = beginning
                rest = input
                return
            }
            for descriptor in held { close(descriptor) }
            return nil
        }

        private static func beginning(
            _ message: KeeperMessage, _ socket: Int32, _ path: String
        ) -> KeeperMessage.Beginning? {
            switch message {
            case .begin(let beginning): return beginning
            case .call(let call):
                if let beginning = call.beginning(for: path) { return beginning }
                _ = OwnerSocket.send(socket, KeeperMessage.declined.encoded())
                return nil
            default: return nil
            }
        }
    }
}
