import NIOConcurrencyHelpers
import SSH

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A shim that runs, until somebody ends it.
public final class RunningShim: Sendable {
    private let shim: Shim
    private let socket: String?
    private let done: AsyncStream<Void>
    private let finish: AsyncStream<Void>.Continuation
    private let ending = NIOLockedValueBox(false)

    init(_ shim: Shim, socket: String?) {
        self.shim = shim
        self.socket = socket
        (done, finish) = AsyncStream.makeStream(of: Void.self)
    }

    var doors: [SSHForwardEndpoint] { shim.doors }

    /// Waits for the first attempt of every host.
    ///
    /// - Returns: What each failed of; nil when somebody ended the shim meanwhile.
    func firstAttempt() async -> [UpstreamFailure?]? {
        let failures = await shim.firstAttempt()
        return isEnding ? nil : failures
    }

    /// Has a lost host tried at once.
    public func tryNow() { shim.tryNow() }

    /// A terminal of some client may have another size.
    public func windowChanged() { shim.windowChanged() }

    func listen(on control: ShimControl) async throws(ShimError) { try await shim.listen(on: control) }

    /// Whether somebody has begun to end it.
    public var isEnding: Bool { ending.withLockedValue { $0 } }

    /// Begins to end.
    ///
    /// - Returns: Whether it was the first to.
    @discardableResult
    public func end() -> Bool {
        let isFirst = ending.withLockedValue { ending in
            defer { ending = true }
            return !ending
        }
        guard isFirst else { return false }
        Task {
            await shim.close()
            if let socket { unlink(socket) }
            finish.finish()
        }
        return true
    }

    /// For one caller.
    public func waitUntilEnded() async { for await _ in done {} }
}
