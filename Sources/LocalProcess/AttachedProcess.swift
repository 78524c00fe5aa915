// A running program on an event loop: bytes both ways with back-pressure, and its end.

import CProcess
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Who learns what a program says and how it ends. Every call is on the process's event loop. The process keeps its
/// delegate until `process(_:ended:)`, which comes exactly once and last.
public protocol AttachedProcessDelegate: AnyObject {
    /// Bytes that the program wrote. To stop them, turn `setReading` off; what is in the system's buffers may still come.
    func process(_ process: AttachedProcess, wrote data: ByteBuffer, to stream: ProcessStream)
    /// The program reads its standard input no more.
    func processClosedInput(_ process: AttachedProcess)
    /// The program has ended, and all that it wrote before was told.
    func process(_ process: AttachedProcess, ended exit: ProcessExit)
}

extension AttachedProcessDelegate {
    public func processClosedInput(_ process: AttachedProcess) {}
}

/// A running program, attached to an event loop. It lives until it ends or is hung up; holding it keeps nothing alive.
///
/// Loop-bound: every method must be called on `eventLoop`. Calls after the end do nothing.
public final class AttachedProcess {
    /// What the terminal's program wrote before its end is at most what the kernel holds for a terminal, with room to spare.
    private static let lastWords = 256 * 1024

    public let eventLoop: any EventLoop
    public let processID: Int32
    /// The terminal's path, such as "/dev/pts/3".
    public let terminalName: String?

    private let child: ChildProcess
    private var delegate: (any AttachedProcessDelegate)?
    private var streams: [ProcessStream: ProcessStreamHandler] = [:]
    private var input: ProcessStreamHandler?
    private var terminal: StartedProcess.Terminal?
    private let leadsGroup: Bool
    private var exit: ProcessExit?
    /// Whose the programs at the terminal are, where not ours.
    private let account: LocalAccount?
    private var bytesAfterExit = 0
    private var isHungUp = false
    private var isOver = false
    private var isInputAtLineStart = true

    private init(
        _ started: StartedProcess, leadsGroup: Bool, account: LocalAccount?, _ delegate: any AttachedProcessDelegate,
        on eventLoop: any EventLoop
    ) {
        self.eventLoop = eventLoop
        self.account = account
        self.leadsGroup = leadsGroup
        self.delegate = delegate
        child = started.child
        processID = child.number
        if case .terminal(let terminal) = started.streams {
            self.terminal = terminal
            terminalName = terminal.name
        } else {
            terminalName = nil
        }
    }

    /// Starts a program. The start itself happens on a thread pool. From anywhere.
    ///
    /// - Parameters:
    ///   - launch: What and how.
    ///   - eventLoop: Of a `MultiThreadedEventLoopGroup`.
    ///   - makeDelegate: Called on the loop when the program runs, before anything is told.
    /// - Returns: Fails with a `LocalProcessError`.
    public static func start(
        _ launch: ProcessLaunch, on eventLoop: any EventLoop, threadPool: NIOThreadPool = .singleton,
        _ makeDelegate: @escaping @Sendable () -> any AttachedProcessDelegate
    ) -> EventLoopFuture<NIOLoopBound<AttachedProcess>> {
        let box = NIOLockedValueBox<StartedProcess?>(nil)
        return threadPool.runIfActive(eventLoop: eventLoop) {
            let started = try StartedProcess(launch)
            box.withLockedValue { $0 = started }
        }.flatMap {
            guard let started = box.withLockedValue({ $0 }) else {
                return eventLoop.makeFailedFuture(LocalProcessError.malformed("it was not started"))
            }
            let process = AttachedProcess(
                started, leadsGroup: !launch.staysInOurSession || launch.terminal != nil,
                account: launch.terminalOwner ?? launch.account, makeDelegate(), on: eventLoop)
            let bound = NIOLoopBound(process, eventLoop: eventLoop)
            return process.attach(started).map { bound }
        }
    }

    // MARK: Streams

    private func attach(_ started: StartedProcess) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        var ready: [EventLoopFuture<Void>] = []
        switch started.streams {
        case .terminal(let terminal):
            let handler = ProcessStreamHandler(self, .output)
            streams[.output] = handler
            input = handler
            ready.append(Self.attach(handler, master: terminal.master, on: eventLoop))
        case .sockets(let inputSocket, let output, let error):
            let handler = ProcessStreamHandler(self, nil)
            input = handler
            ready.append(Self.attach(handler, socket: inputSocket, on: eventLoop))
            for (socket, stream) in [(output, ProcessStream.output), (error, .error)] {
                guard let socket else { continue }
                let handler = ProcessStreamHandler(self, stream)
                streams[stream] = handler
                ready.append(Self.attach(handler, socket: socket, on: eventLoop))
            }
        }
        let eventLoop = eventLoop
        let failure = ExitWatch.shared.wait(for: child) { eventLoop.execute { bound.value.exited() } }
        return EventLoopFuture.andAllSucceed(ready, on: eventLoop).flatMapThrowing {
            guard failure == 0 else { throw LocalProcessError.noTerminal(failure) }
        }.flatMapErrorThrowing { error in
            let process = bound.value
            process.delegate = nil
            process.child.signal(SIGKILL, group: process.leadsGroup)
            process.hangUp()
            throw error
        }
    }

    private static func attach(
        _ handler: ProcessStreamHandler, socket: Int32, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        let attached = ClientBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
            .withConnectedSocket(socket)
        return attached.map { _ in }.flatMapErrorThrowing { error in
            close(socket)
            throw error
        }
    }

    private static func attach(
        _ handler: ProcessStreamHandler, master: Int32, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
        let output = fcntl(master, F_DUPFD_CLOEXEC, 3)
        guard output >= 0 else {
            let number = errno
            close(master)
            return eventLoop.makeFailedFuture(LocalProcessError.noTerminal(number))
        }
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        let attached = NIOPipeBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
            .takingOwnershipOfDescriptors(input: master, output: output)
        return attached.map { _ in }.flatMapErrorThrowing { error in
            close(master)
            close(output)
            throw error
        }
    }

    /// Whether what the program writes is read. Off, the program has to wait when the system's buffers are full.
    ///
    /// - Parameter stream: nil for both.
    public func setReading(_ isReading: Bool, of stream: ProcessStream? = nil) {
        for (name, handler) in streams where stream == nil || stream == name { handler.setReading(isReading) }
        if isReading { finishIfDrained() }
    }

    /// Writes to the program's standard input.
    ///
    /// - Returns: Completes when the program's side has taken the bytes; fails with `input_closed` when it never will.
    @discardableResult
    public func write(_ data: ByteBuffer) -> EventLoopFuture<Void> {
        guard let input, !isOver else { return eventLoop.makeFailedFuture(LocalProcessError.inputClosed) }
        if terminal != nil, let last = data.readableBytesView.last { isInputAtLineStart = last == 10 || last == 13 }
        return input.write(data) ?? eventLoop.makeFailedFuture(LocalProcessError.inputClosed)
    }

    /// Whether the queue of unwritten input is below its mark of 256 KiB.
    public var isWritable: Bool { input?.isWritable ?? false }

    /// Ends the program's standard input, after what was written. A terminal gets the character that stands for the end.
    public func closeInput() {
        guard let input, !isOver else { return }
        guard let terminal else { return input.closeWhenWritten() }
        let character = process_end_of_file_character(terminal.slave)
        guard character != 0 else { return }
        // In the middle of a line it only sends off the line (termios(3)).
        _ = input.write(ByteBuffer(repeating: character, count: isInputAtLineStart ? 1 : 2))
        isInputAtLineStart = true
    }

    /// Ends one stream of output: the program that writes on learns by SIGPIPE. A terminal has no such end.
    public func closeOutput(_ stream: ProcessStream) {
        guard terminal == nil else { return }
        streams[stream]?.close()
    }

    /// The terminal has another size, of which the program learns by SIGWINCH.
    public func resize(_ size: PseudoTerminal.Size) {
        guard let terminal, !isOver else { return }
        _ = process_resize_terminal(
            terminal.master, UInt16(clamping: size.columns), UInt16(clamping: size.rows),
            UInt16(clamping: size.width), UInt16(clamping: size.height))
    }

    // MARK: Signals and the end

    /// Sends a signal to the program's whole group: with a terminal to the group in the foreground, which is not the
    /// shell's own while the shell runs something.
    public func signal(_ number: Int32) {
        guard exit == nil, !isOver else { return }
        if let terminal {
            let group = process_foreground_group(terminal.master)
            if group > 1, group != child.number { signal(number, toForeground: group) }
            // What must reach everybody who is there.
            if group > 1, group != child.number, ![SIGHUP, SIGTERM, SIGKILL].contains(number) { return }
        }
        child.signal(number, group: leadsGroup)
    }

    /// With the rights of whoever the terminal was made for.
    private func signal(_ number: Int32, toForeground group: pid_t) {
        guard let account, account.isAnother else {
            kill(-group, number)
            return
        }
        account.groups.withUnsafeBufferPointer { groups in
            var rights = process_launch()
            rights.switches_account = 1
            rights.user = account.userID
            rights.group = account.groupID
            rights.groups = groups.baseAddress
            rights.group_count = groups.count
            process_signal_group_as(&rights, group, number)
        }
    }

    /// Ends the connection to the program as a line that breaks: SIGHUP for its group, and no streams any more. Its end
    /// is still told.
    public func hangUp() {
        guard !isHungUp, !isOver else { return }
        isHungUp = true
        if exit == nil {
            signal(SIGHUP)
            // A stopped program would not notice.
            signal(SIGCONT)
        }
        closeStreams()
        finishIfDrained()
    }

    private func closeStreams() {
        input?.close()
        for handler in streams.values { handler.close() }
        if let terminal { close(terminal.slave) }
        terminal = nil
    }

    fileprivate func received(_ data: ByteBuffer, from stream: ProcessStream) {
        guard !isHungUp else { return }
        if exit != nil { bytesAfterExit += data.readableBytes }
        delegate?.process(self, wrote: data, to: stream)
    }

    fileprivate func readCompleted() {
        if exit != nil { finishIfDrained() }
    }

    fileprivate func streamEnded(_ stream: ProcessStream?) {
        if stream == nil {
            if !isHungUp, !isOver { delegate?.processClosedInput(self) }
        } else {
            finishIfDrained()
        }
    }

    private func exited() {
        exit = child.exit ?? .status(255)
        finishIfDrained()
    }

    /// Without a terminal the streams end when nobody holds them any more. A terminal has no such end while we hold it
    /// too: when its leader has ended, what is in it is read and no more.
    private func finishIfDrained() {
        guard let exit, !isOver else { return }
        if !isHungUp {
            if let terminal, let handler = streams[.output], !handler.hasEnded {
                if bytesAfterExit < Self.lastWords, process_has_input(terminal.master) != 0 {
                    return handler.readOnce()
                }
            } else if streams.values.contains(where: { !$0.hasEnded }) {
                return
            }
        }
        isOver = true
        closeStreams()
        // From here on its number may be somebody else's.
        child.reap()
        let delegate = delegate
        self.delegate = nil
        delegate?.process(self, ended: exit)
    }
}

/// One stream of a program: a socket, or a terminal's master. Loop-bound.
private final class ProcessStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var process: AttachedProcess?
    /// nil for the program's input.
    private let stream: ProcessStream?
    private var context: ChannelHandlerContext?
    private var isReading = true
    private(set) var hasEnded = false

    init(_ process: AttachedProcess, _ stream: ProcessStream?) {
        self.process = process
        self.stream = stream
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelActive(context: ChannelHandlerContext) {
        if isReading, stream != nil { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What a program writes to its own input is nobody's.
        guard let stream else { return }
        process?.received(unwrapInboundIn(data), from: stream)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        process?.readCompleted()
        if isReading, stream != nil, !hasEnded { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { close() }
    }

    /// A terminal that was hung up reads as an error (EIO), after everything that was written to it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    func setReading(_ isReading: Bool) {
        guard isReading != self.isReading else { return }
        self.isReading = isReading
        if isReading, stream != nil, !hasEnded { context?.read() }
    }

    func readOnce() {
        if isReading { context?.read() }
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ data: ByteBuffer) -> EventLoopFuture<Void>? {
        guard let context else { return nil }
        return context.writeAndFlush(wrapOutboundOut(data))
    }

    /// Behind what is queued: an empty write completes when everything before it has left.
    func closeWhenWritten() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in self.close() }
    }

    func close() {
        guard let context else { return end() }
        context.close(promise: nil)
        end()
    }

    private func end() {
        context = nil
        guard !hasEnded else { return }
        hasEnded = true
        let process = process
        self.process = nil
        process?.streamEnded(stream)
    }
}
