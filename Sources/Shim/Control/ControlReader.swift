// Reads the control sockets, in a thread of its own: the event loop's sockets cannot receive descriptors.

import Foundation
import NIOConcurrencyHelpers
import NIOCore
import SSHTools

#if canImport(Glibc)
import Glibc
#endif

/// Accepts clients of this user and reads what they ask, one request at a time: a client is read again when its last
/// request has been dealt with, so that none fills the memory of this process.
final class ControlReader: Sendable {
    typealias ClientID = Int
    typealias ListenerID = Int

    enum Event: Sendable {
        /// A client came in. Its socket may be written to until the client is closed by `close`.
        case arrived(ClientID, socket: Int32, at: ListenerID)
        /// The descriptors are the receiver's to close.
        case asked(ClientID, ControlRequest, descriptors: [Int32])
        /// The client is gone, or said what is no message; it is to be closed.
        case left(ClientID)
    }

    fileprivate enum Order {
        case listen(Int32, ListenerID)
        case stopListening(ListenerID)
        case readOn(ClientID)
        case close(ClientID)
        case end
    }

    /// Clients at once, of all sockets.
    static let maximumClients = 1024
    /// How long a client may take to say a whole request.
    static let patience = Duration.seconds(30)

    private let orders = NIOLockedValueBox<[Order]>([])
    /// A pipe that wakes the thread: the end to read, and the end to write.
    private let alarm: (Int32, Int32)

    /// - Parameter tell: Called in the reader's thread.
    init(_ tell: @escaping @Sendable (Event) -> Void) {
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) == 0 {
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
        }
        alarm = (ends[0], ends[1])
        let (orders, alarm) = (orders, alarm)
        Thread.detachNewThread {
            var reading = Reading(alarm.0, tell)
            while reading.turn(orders) {}
            reading.end()
        }
    }

    deinit {
        give(.end)
        closeDescriptor(alarm.1)
    }

    /// Clients that come to this socket are told of under its number. The socket becomes the reader's.
    func listen(_ socket: Int32, as listener: ListenerID) { give(.listen(socket, listener)) }

    func stopListening(_ listener: ListenerID) { give(.stopListening(listener)) }

    /// The client's last request has been dealt with.
    func readOn(_ client: ClientID) { give(.readOn(client)) }

    /// Closes the client's socket.
    func close(client: ClientID) { give(.close(client)) }

    private func give(_ order: Order) {
        orders.withLockedValue { $0.append(order) }
        var byte: UInt8 = 0
        // A full pipe wakes as well.
        _ = write(alarm.1, &byte, 1)
    }
}

extension ControlReader {
    /// What the thread knows.
    private struct Reading {
        private struct Client {
            let socket: Int32
            var input = ControlInput()
            var hasSaidHello = false
            /// Its request is being dealt with.
            var isHeld = false
            var isGone = false
            /// For a whole request.
            var deadline = ContinuousClock.now + ControlReader.patience
        }

        private let alarm: Int32
        private let tell: @Sendable (Event) -> Void
        private var listeners: [ListenerID: Int32] = [:]
        private var clients: [ClientID: Client] = [:]
        private var count = 0
        /// No descriptors were left; until then nobody is accepted.
        private var pause: ContinuousClock.Instant?

        init(_ alarm: Int32, _ tell: @escaping @Sendable (Event) -> Void) {
            self.alarm = alarm
            self.tell = tell
        }

        /// Waits once and deals with what has come. False at the end.
        mutating func turn(_ orders: NIOLockedValueBox<[Order]>) -> Bool {
            let all = orders.withLockedValue { orders in
                defer { orders = [] }
                return orders
            }
            for order in all { guard obey(order) else { return false } }
            var waiting = [pollfd(fd: alarm, events: Int16(POLLIN), revents: 0)]
            let doors = pause == nil ? Array(listeners) : []
            for (_, socket) in doors { waiting.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
            let present = clients.filter { !$0.value.isGone }.map(\.key)
            for id in present {
                guard let client = clients[id] else { continue }
                // One that is held is looked at for its end alone.
                waiting.append(pollfd(fd: client.socket, events: client.isHeld ? 0 : Int16(POLLIN), revents: 0))
            }
            guard poll(&waiting, nfds_t(waiting.count), patience()) >= 0 || errno == EINTR else { return false }
            if waiting.first?.revents != 0 { silence() }
            for (door, ready) in zip(doors, waiting.dropFirst()) where ready.revents != 0 {
                accept(door.key, door.value)
            }
            for (id, ready) in zip(present, waiting.dropFirst(1 + doors.count)) where ready.revents != 0 {
                if ready.revents & Int16(POLLIN) != 0 { receive(id) } else { gone(id) }
            }
            dropSlow()
            return true
        }

        func end() {
            for socket in listeners.values { closeDescriptor(socket) }
            for client in clients.values {
                for descriptor in client.input.descriptors { closeDescriptor(descriptor) }
                closeDescriptor(client.socket)
            }
            closeDescriptor(alarm)
        }

        private mutating func obey(_ order: Order) -> Bool {
            switch order {
            case .listen(let socket, let listener):
                _ = fcntl(socket, F_SETFL, O_NONBLOCK)
                listeners[listener] = socket
            case .stopListening(let listener):
                if let socket = listeners.removeValue(forKey: listener) { closeDescriptor(socket) }
            case .readOn(let id):
                clients[id]?.isHeld = false
                clients[id]?.deadline = .now + ControlReader.patience
                // It may have said more than one thing at once.
                advance(id)
            case .close(let id):
                guard var client = clients.removeValue(forKey: id) else { break }
                for descriptor in client.input.takeDescriptors() { closeDescriptor(descriptor) }
                closeDescriptor(client.socket)
            case .end: return false
            }
            return true
        }

        /// In milliseconds, until somebody has taken too long; -1 for ever.
        private func patience() -> Int32 {
            let deadlines =
                clients.values.filter { !$0.isHeld && !$0.isGone }.map(\.deadline) + [pause].compactMap { $0 }
            guard let next = deadlines.min() else { return -1 }
            return Int32(clamping: Int64(max(next - .now, .zero) / .milliseconds(1)) + 1)
        }

        private func silence() {
            var bytes = [UInt8](repeating: 0, count: 256)
            while read(alarm, &bytes, bytes.count) > 0 {}
        }

        private mutating func accept(_ listener: ListenerID, _ door: Int32) {
            while true {
                let socket = OwnerSocket.accept(door)
                guard socket >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    if errno == EMFILE || errno == ENFILE || errno == ENOMEM { pause = .now + .milliseconds(100) }
                    return
                }
                guard clients.count < ControlReader.maximumClients, OwnerSocket.isOwn(socket) else {
                    closeDescriptor(socket)
                    continue
                }
                _ = fcntl(socket, F_SETFL, O_NONBLOCK)
                count += 1
                clients[count] = Client(socket: socket)
                _ = OwnerSocket.send(socket, ControlReply.hello.encoded())
                tell(.arrived(count, socket: socket, at: listener))
            }
        }

        private mutating func receive(_ id: ClientID) {
            guard var client = clients[id] else { return }
            // One owner of the buffers at a time, or they would be copied.
            clients[id] = nil
            let count = OwnerSocket.receive(client.socket, &client.input.bytes, &client.input.descriptors)
            let isEmpty = count < 0 && (errno == EAGAIN || errno == EINTR)
            clients[id] = client
            if count > 0 { advance(id) } else if !isEmpty { gone(id) }
        }

        private mutating func advance(_ id: ClientID) {
            do throws(ControlFault) {
                while clients[id]?.isGone == false, let next = try clients[id]?.input.next() {
                    guard !greets(id, next.request) else { continue }
                    clients[id]?.isHeld = true
                    return tell(.asked(id, next.request, descriptors: next.descriptors))
                }
            } catch {
                gone(id)
            }
        }

        /// Answers what every client says before it asks for anything, without waking the event loop for it.
        private mutating func greets(_ id: ClientID, _ request: ControlRequest) -> Bool {
            guard let client = clients[id] else { return true }
            switch request {
            case .hello(version: ControlReply.version) where !client.hasSaidHello: clients[id]?.hasSaidHello = true
            case .alive(let number) where client.hasSaidHello:
                let reply = ControlReply.alive(id: number, process: UInt32(bitPattern: getpid()))
                // A client that takes no answer has gone astray: its socket holds hundreds of them.
                if !OwnerSocket.send(client.socket, reply.encoded()) { gone(id) }
            case _ where client.hasSaidHello: return false
            // Another version, or something before it.
            default: gone(id)
            }
            return true
        }

        private mutating func gone(_ id: ClientID) {
            guard clients[id]?.isGone == false else { return }
            clients[id]?.isGone = true
            tell(.left(id))
        }

        private mutating func dropSlow() {
            let now = ContinuousClock.now
            if let pause, pause <= now { self.pause = nil }
            for (id, client) in clients where !client.isHeld && !client.isGone && client.deadline <= now { gone(id) }
        }
    }
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
