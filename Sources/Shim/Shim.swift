// The local endpoint: an SSH server for its owner's clients, whose channels go on over connections that stand already.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import SSH

/// Keeps connections to hosts and offers each as an SSH server of this machine.
///
/// ```swift
/// let shim = try await Shim.start(
///     ShimConfiguration(
///         upstreams: [ShimUpstream(name: "web-1", title: "deploy@web-1") { try await connect(on: $0) }],
///         doors: [ShimDoor(.tcp(host: "127.0.0.1", port: 2222), admits: .owner(keys))],
///         hostKeys: [try folder.hostKey()]))
/// ```
public final class Shim: Sendable {
    /// Where its doors are, with the ports that were chosen, in the order of the configuration.
    public let doors: [SSHForwardEndpoint]

    private let eventLoop: any EventLoop
    private let servers: [SSHServer]
    private let upstreams: NIOLoopBound<ShimUpstreams>
    private let controls: NIOLoopBound<ControlDoors>
    private let firstAttempts: [EventLoopFuture<UpstreamFailure?>]

    private init(
        _ servers: [SSHServer], _ doors: [SSHForwardEndpoint], _ upstreams: NIOLoopBound<ShimUpstreams>,
        _ controls: NIOLoopBound<ControlDoors>, _ firstAttempts: [EventLoopFuture<UpstreamFailure?>]
    ) {
        eventLoop = upstreams.eventLoop
        self.servers = servers
        self.doors = doors
        self.upstreams = upstreams
        self.controls = controls
        self.firstAttempts = firstAttempts
    }

    /// Listens, and begins to connect.
    public static func start(_ configuration: ShimConfiguration) async throws(ShimError) -> Shim {
        try configuration.validate()
        // One loop for both sides: a byte goes through without waking another thread.
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        var servers: [SSHServer] = []
        var made: NIOLoopBound<ShimUpstreams>?
        do {
            let (upstreams, controls, firstAttempts) = try await eventLoop.submit {
                let all = ShimUpstreams(configuration, on: eventLoop)
                return (
                    NIOLoopBound(all, eventLoop: eventLoop),
                    NIOLoopBound(ControlDoors(on: eventLoop), eventLoop: eventLoop),
                    all.upstreams.map(\.firstAttempt.futureResult)
                )
            }.get()
            made = upstreams
            var doors: [SSHForwardEndpoint] = []
            for door in configuration.doors {
                let server = SSHServer(
                    configuration: door.serverConfiguration(configuration.hostKeys),
                    handlers: door.handlers(upstreams, configuration.observe), group: eventLoop)
                doors.append(try await server.listen(on: door.endpoint))
                servers.append(server)
            }
            eventLoop.execute { for upstream in upstreams.value.upstreams { upstream.start() } }
            return Shim(servers, doors, upstreams, controls, firstAttempts)
        } catch {
            for server in servers { await server.shutdown(grace: .zero) }
            if let made { _ = try? await eventLoop.submit { made.value.upstreams.flatMap { $0.stop() } }.get() }
            if let error = error as? SSHError {
                throw ShimError(.listenFailed, error.description, hint: error.hint)
            }
            throw ShimError(.listenFailed, "\(error)", hint: "Choose another port.")
        }
    }

    /// Waits for the first attempt of every upstream.
    ///
    /// - Returns: What each attempt failed of, nil where the connection stands, in the order of the configuration.
    public func firstAttempt() async -> [UpstreamFailure?] {
        var results: [UpstreamFailure?] = []
        for attempt in firstAttempts { results.append((try? await attempt.get()) ?? nil) }
        return results
    }

    /// Tries at once what waits for its next attempt, or is tried no more.
    public func tryNow() {
        let upstreams = upstreams
        eventLoop.execute { for upstream in upstreams.value.upstreams { upstream.tryNow() } }
    }

    /// Listens on a control socket as well, for clients of OpenSSH's multiplexing protocol. It takes the place of a socket
    /// that is there.
    public func listen(on control: ShimControl) async throws(ShimError) {
        let (controls, upstreams) = (controls, upstreams)
        let result = try? await eventLoop.submit { () -> Result<Void, ShimError> in
            guard let upstream = upstreams.value.find(control.upstream, username: "") else {
                return .failure(
                    ShimError(
                        .upstreamName, "No upstream is named \(control.upstream).", hint: "Name one that is given."))
            }
            return Result { () throws(ShimError) in try controls.value.open(control, upstream) }
        }.get()
        try result?.get()
    }

    /// A terminal of some client may have another size: OpenSSH's clients say so by SIGWINCH.
    public func windowChanged() {
        let controls = controls
        eventLoop.execute { controls.value.windowChanged() }
    }

    /// Ends the local connections, then those to the hosts.
    public func close() async {
        let controls = controls
        try? await eventLoop.submit { controls.value.end() }.get()
        for server in servers { await server.shutdown(grace: .zero) }
        let upstreams = upstreams
        let stopped = try? await eventLoop.submit { upstreams.value.upstreams.flatMap { $0.stop() } }.get()
        for connection in stopped ?? [] { await connection.close() }
    }
}

/// The upstreams by their names. Loop-bound.
final class ShimUpstreams {
    let upstreams: [Upstream]
    private let byName: [String: Upstream]

    init(_ configuration: ShimConfiguration, on eventLoop: any EventLoop) {
        upstreams = configuration.upstreams.map {
            Upstream($0, configuration.limits, on: eventLoop, tell: configuration.observe)
        }
        byName = Dictionary(upstreams.map { ($0.target.name, $0) }) { first, _ in first }
    }

    /// The upstream that a door leads to, or that the user's name picks. The only one has any name.
    func find(_ door: String?, username: String) -> Upstream? {
        if let door { return byName[door] }
        if upstreams.count == 1 { return upstreams.first }
        return byName[username]
    }

    /// What a client reads that named none of them.
    func unknown(_ username: String) -> String {
        let names = upstreams.map(\.target.name).joined(separator: ", ")
        return "copilot shim: there is no upstream \(DisplayText.neutralise(username, limit: 64)); there are: \(names)"
    }
}
