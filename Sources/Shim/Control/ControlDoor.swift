// A control socket, and who is at it.

import NIOCore
import SSH
import SSHTools

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where clients of OpenSSH's multiplexing protocol come in, as `ControlPath` of ssh_config names it.
public struct ShimControl: Sendable {
    /// A socket in a folder that only its owner may enter.
    public var path: String
    /// The host that lies behind it.
    public var upstream: String
    /// What `ssh -A` lends to the host; nil: such clients go on by the endpoint, with an agent of their own.
    public var agentSocket: String?
    /// What `ssh -X` lends to the host; nil as for the agent.
    public var display: (@Sendable () async -> X11Display?)?
    /// What `ssh -O exit` does; nil: it is refused.
    public var terminate: (@Sendable () -> Void)?

    public init(path: String, upstream: String) {
        self.path = path
        self.upstream = upstream
    }
}

/// One control socket. Loop-bound.
final class ControlDoor {
    let control: ShimControl
    let upstream: Upstream
    let forwards: ControlForwards
    let reader: ControlReader
    let processID = getpid()
    private let number: ControlReader.ListenerID
    private let identity: SocketIdentity?
    private let leave: (ControlReader.ClientID) -> Void
    private var sessions: UInt32 = 0
    private var isListening = true

    var eventLoop: any EventLoop { upstream.eventLoop }

    init(
        _ control: ShimControl, _ upstream: Upstream, _ reader: ControlReader, _ number: ControlReader.ListenerID,
        left: @escaping (ControlReader.ClientID) -> Void
    ) {
        self.control = control
        self.upstream = upstream
        self.reader = reader
        self.number = number
        leave = left
        forwards = ControlForwards(upstream)
        identity = SocketIdentity(control.path)
    }

    func nextSession() -> UInt32 {
        sessions &+= 1
        return sessions
    }

    func left(_ visit: ControlVisit, keepsForwards: Bool) {
        forwards.left(visit.id, keeps: keepsForwards)
        reader.close(client: visit.id)
        leave(visit.id)
    }

    /// Whoever comes from now on finds nothing, and goes by the endpoint.
    func stopListening() {
        guard isListening else { return }
        isListening = false
        reader.stopListening(number)
        // By now it may be somebody else's.
        if SocketIdentity(control.path) == identity { unlink(control.path) }
    }
}

/// Which file a path names.
private struct SocketIdentity: Equatable {
    let device: UInt64
    let number: UInt64

    init?(_ path: String) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return nil }
        device = UInt64(facts.st_dev)
        number = UInt64(facts.st_ino)
    }
}

/// The control sockets of a shim, and their clients. Loop-bound.
final class ControlDoors {
    private let eventLoop: any EventLoop
    private var reader: ControlReader?
    private var doors: [ControlReader.ListenerID: ControlDoor] = [:]
    private var visits: [ControlReader.ClientID: ControlVisit] = [:]

    init(on eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func open(_ control: ShimControl, _ upstream: Upstream) throws(ShimError) {
        let socket: Int32
        do throws(Failure) {
            socket = try OwnerSocket.listen(control.path)
        } catch {
            throw ShimError(.listenFailed, error.sentence, hint: "ssh goes on without it, by the endpoint.")
        }
        let reader = reader ?? makeReader()
        self.reader = reader
        let number = doors.count + 1
        doors[number] = ControlDoor(control, upstream, reader, number) { self.visits[$0] = nil }
        reader.listen(socket, as: number)
    }

    private func makeReader() -> ControlReader {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        return ControlReader { event in bound.eventLoop.execute { bound.value.heed(event) } }
    }

    private func heed(_ event: ControlReader.Event) {
        switch event {
        case .arrived(let id, let socket, let number):
            guard let door = doors[number], reader != nil else {
                reader?.close(client: id)
                return
            }
            visits[id] = ControlVisit(id, socket, at: door)
        case .asked(let id, let request, let descriptors):
            guard let visit = visits[id] else { return ReceivedDescriptors(descriptors).close() }
            visit.asked(request, descriptors)
        case .left(let id):
            // It was sent away before it was heard.
            guard let visit = visits[id] else { return }
            visit.leave()
        }
    }

    /// The size of somebody's terminal changed.
    func windowChanged() { for visit in visits.values { visit.windowChanged() } }

    /// Ends everything that came in here.
    func end() {
        for door in doors.values { door.stopListening() }
        for visit in Array(visits.values) { visit.leave() }
        for door in doors.values { door.forwards.endAll() }
        doors = [:]
        // Dropping it ends its thread.
        reader = nil
    }
}
