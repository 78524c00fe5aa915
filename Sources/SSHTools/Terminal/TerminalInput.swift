import Dispatch

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What comes from a descriptor, read only when it is asked for: a program that is started meanwhile gets what is typed.
///
/// `@unchecked Sendable`: its state is touched on its own serial queue alone, but for the pipe's descriptors, which do not
/// change.
final class TerminalInput: @unchecked Sendable {
    enum Event: Hashable {
        case bytes([UInt8])
        /// The terminal has another size.
        case resized
        case end
    }

    private let descriptor: Int32
    private let wakeRead: Int32
    private let wakeWrite: Int32
    private let queue = DispatchQueue(label: "terminal input")
    private var resizes: (any DispatchSourceSignal)?

    /// - Parameter watchesSize: Whether a change of the terminal's size is an event.
    init(_ descriptor: Int32, watchesSize: Bool) {
        self.descriptor = descriptor
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) == 0 {
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
        }
        (wakeRead, wakeWrite) = (ends[0], ends[1])
        guard watchesSize else { return }
        let source = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: .global())
        let wakeWrite = wakeWrite
        source.setEventHandler {
            var byte = UInt8(ascii: "w")
            _ = write(wakeWrite, &byte, 1)
        }
        source.activate()
        resizes = source
    }

    deinit {
        resizes?.cancel()
        close(wakeRead)
        close(wakeWrite)
    }

    /// Waits for the next event; a task that is cancelled gets the end.
    func next() async -> Event {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: self.wait()) }
            }
        } onCancel: {
            wake()
        }
    }

    /// The next event is the end.
    func wake() {
        var byte = UInt8(ascii: "c")
        _ = write(wakeWrite, &byte, 1)
    }

    private func wait() -> Event {
        while true {
            var polled = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, nfds_t(polled.count), -1) >= 0 else {
                if errno == EINTR { continue }
                return .end
            }
            if polled[1].revents != 0 { return woken() }
            guard polled[0].revents != 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            return count > 0 ? .bytes(Array(bytes.prefix(count))) : .end
        }
    }

    private func woken() -> Event {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = bytes.withUnsafeMutableBytes { read(wakeRead, $0.baseAddress, $0.count) }
        return bytes.prefix(max(0, count)).contains(UInt8(ascii: "c")) ? .end : .resized
    }
}

/// A terminal's size.
enum TerminalSize {
    /// Columns of the terminal at `descriptor`; nil when there is none.
    static func columns(of descriptor: Int32 = STDOUT_FILENO) -> Int? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        return size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
