import NIOCore
import NIOPosix

/// Runs tasks on an event loop: a short program that has one thread spares what others cost at their start, and nothing
/// of a connection on that loop changes threads.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    private init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Makes this thread an event loop with one task, which ends the process.
    static func run(_ body: @escaping @Sendable (any EventLoop) async -> Never) {
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { eventLoop in
            Task(executorPreference: LoopExecutor(eventLoop)) { await body(eventLoop) }
        }
    }
}
