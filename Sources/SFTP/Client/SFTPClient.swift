public import NIOCore
public import SSH

/// Files of a host.
///
/// ```swift
/// let files = try await connection.sftp()
/// for try await entry in files.list("/var/log") { print(entry.name) }
/// try await files.download("/var/log/syslog", to: "syslog")
/// await files.close()
/// ```
///
/// May be used from anywhere, by many tasks at once; requests are pipelined on one channel. Cancelling a task gives up
/// its request; a handle that the server still sends is closed. The session ends when nobody holds it any more.
public final class SFTPClient: Sendable {
    /// The loop on which everything of this session happens.
    public let eventLoop: any EventLoop
    let bound: NIOLoopBound<ClientCore>

    init(_ bound: NIOLoopBound<ClientCore>, on eventLoop: any EventLoop) {
        self.bound = bound
        self.eventLoop = eventLoop
    }

    deinit {
        let bound = bound
        eventLoop.execute { bound.value.close() }
    }

    /// Begins a session on a stream that carries nothing else. Call on the stream's event loop, and tell the core what
    /// the stream tells.
    static func start(_ core: ClientCore) -> EventLoopFuture<SFTPClient> {
        core.start()
        let bound = NIOLoopBound(core, eventLoop: core.eventLoop)
        let client = SFTPClient(bound, on: core.eventLoop)
        return core.greeted.futureResult.map { client }
    }

    /// Ends the session; what still waits fails with `closed`.
    public func close() async {
        let bound = bound
        try? await eventLoop.submit { bound.value.close() }.get()
    }

    /// Whether the server announced an extension.
    public func has(_ name: SFTPExtension) async -> Bool {
        let bound = bound
        return (try? await eventLoop.submit { bound.value.has(name) }.get()) ?? false
    }

    /// What the server takes at once (limits@openssh.com); nil when it does not say.
    public func limits() async throws(SFTPError) -> ServerLimits? {
        guard await has(.limits) else { return nil }
        return try await request(.limits, nil).extended(nil) { reader throws(SFTPStatus) in try ServerLimits(&reader) }
    }

    // MARK: Requests

    /// Sends a request and waits for its answer; a status that is not "ok" is thrown.
    func request(_ request: SFTPRequest, _ path: RemotePath?) async throws(SFTPError) -> SFTPResponse {
        let response = try await rawRequest(request)
        if case .status(let status) = response, status.code != .ok { throw .status(status, path) }
        return response
    }

    func rawRequest(_ request: SFTPRequest) async throws(SFTPError) -> SFTPResponse {
        let bound = bound
        let eventLoop = eventLoop
        let ticket = NIOLoopBoundBox.makeBoxSendingValue(Ticket(), eventLoop: eventLoop)
        let outcome: Result<SFTPResponse, SFTPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute {
                    guard !ticket.value.isCancelled else {
                        // A handle is let go also by a task that nobody waits for.
                        if case .close(let handle) = request { bound.value.close(handle) }
                        return continuation.resume(returning: .failure(.cancelled))
                    }
                    ticket.value.number = bound.value.send(request) { continuation.resume(returning: $0) }
                }
            }
        } onCancel: {
            eventLoop.execute {
                ticket.value.isCancelled = true
                if let number = ticket.value.number { bound.value.abandon(number) }
            }
        }
        return try outcome.get()
    }

    /// A request that its task may give up.
    private struct Ticket {
        var number: UInt32?
        var isCancelled = false
    }
}

extension SSHConnection {
    /// Starts SFTP on a channel of its own.
    ///
    /// - Parameter server: The subsystem's name, or with a "/" in it the server program's path at the host.
    /// - Throws: `subsystem_refused` when the host has no SFTP, `protocol_error` when what answers is none,
    ///   `connection_lost`.
    public func sftp(server: String = "sftp") async throws(SFTPError) -> SFTPClient {
        do {
            return try await eventLoop.flatSubmit {
                let stream = SessionStream(self.eventLoop)
                let core = ClientCore(stream)
                stream.core = core
                let opened = self.makeSession(delegate: stream).assumeIsolated()
                return opened.flatMap { channel -> EventLoopFuture<SFTPClient> in
                    stream.channel = channel
                    // INIT goes out behind the request, without waiting for the answer: a round trip less.
                    let started = server.contains("/") ? channel.exec(server) : channel.subsystem(server)
                    started.assumeIsolated().whenFailure { stream.refused(.subsystemRefused($0)) }
                    return SFTPClient.start(core)
                }.nonisolated()
            }.get()
        } catch let error as SFTPError {
            throw error
        } catch {
            throw .subsystemRefused(error)
        }
    }
}

extension SFTPResponse {
    func handle(_ path: RemotePath?) throws(SFTPError) -> SFTPHandle {
        guard case .handle(let handle) = self else { throw .unexpected(path) }
        return handle
    }

    func attributes(_ path: RemotePath?) throws(SFTPError) -> FileAttributes {
        guard case .attributes(let attributes) = self else { throw .unexpected(path) }
        return attributes
    }

    /// The one name of a REALPATH or READLINK answer.
    func name(_ path: RemotePath?) throws(SFTPError) -> RemotePath {
        guard case .names(let names) = self, let only = names.first, names.count == 1 else { throw .unexpected(path) }
        return only.name
    }

    func extended<T>(
        _ path: RemotePath?, _ read: (inout SFTPReader) throws(SFTPStatus) -> T
    ) throws(SFTPError) -> T {
        guard case .extended(let data) = self else { throw .unexpected(path) }
        var reader = SFTPReader(data)
        do throws(SFTPStatus) { return try read(&reader) } catch { throw .unexpected(path) }
    }
}
