import NIOConcurrencyHelpers
import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a transfer's progress looks like in a terminal: rows that stay, and below them rows that are drawn anew.
///
/// A value without clock or terminal: it is told both, and answers with what to write.
struct ProgressPicture {
    /// What people see ten times a second is smooth; more would be wasted on them.
    static let interval = Duration.milliseconds(100)

    private let title: String
    /// Whether there is a sum of several files.
    private let isTree: Bool
    private var whole: TransferMeter?
    private var files: [String: TransferMeter] = [:]
    private var progress = TransferProgress()
    private var liveRows = 0
    private var lastDrawing: Duration?
    private var waiting: [TransferredFile] = []
    private var isOver = false

    init(title: String, isTree: Bool) {
        (self.title, self.isTree) = (title, isTree)
    }

    /// - Returns: What to write now; empty when it is too early for eyes.
    mutating func update(_ progress: TransferProgress, at time: Duration, columns: Int) -> String {
        waiting += progress.finished
        self.progress = progress
        if whole == nil { whole = TransferMeter(start: time, bytes: progress.bytes) }
        whole?.update(progress.bytes, at: time)
        for file in progress.underWay {
            files[file.source, default: TransferMeter(start: time, bytes: file.bytes)].update(file.bytes, at: time)
        }
        return redraw(at: time, columns: columns)
    }

    /// The same again, for the clock and a stall.
    mutating func redraw(at time: Duration, columns: Int) -> String {
        if let lastDrawing, time - lastDrawing < Self.interval { return "" }
        return draw(at: time, columns: columns, isLast: false)
    }

    /// The last picture, which stays.
    mutating func finish(at time: Duration, columns: Int, isComplete: Bool) -> String {
        if whole == nil { whole = TransferMeter(start: time) }
        return draw(at: time, columns: columns, isLast: true, isComplete: isComplete)
    }

    private mutating func draw(
        at time: Duration, columns: Int, isLast: Bool, isComplete: Bool = false
    ) -> String {
        // The second hand may come late.
        guard !isOver else { return "" }
        isOver = isLast
        lastDrawing = time
        var text = liveRows > 1 ? "\u{1b}[\(liveRows - 1)A" : ""
        text += "\r\u{1b}[J"
        if isTree { for file in waiting { text += staying(file, at: time).rendered(columns: columns) + "\r\n" } }
        waiting.removeAll()
        let current = Set(progress.underWay.map(\.source))
        files = files.filter { current.contains($0.key) }
        let rows = isLast ? [sum(at: time, isLast: true, isComplete: isComplete)] : live(at: time)
        text += rows.map { $0.rendered(columns: columns) }.joined(separator: "\r\n")
        liveRows = rows.count
        return text + (isLast ? "\r\n" : "")
    }

    private func live(at time: Duration) -> [ProgressRow] {
        let total = sum(at: time, isLast: false, isComplete: false)
        guard isTree, let file = progress.underWay.max(by: { $0.size < $1.size }) else { return [total] }
        let meter = files[file.source]
        let row = ProgressRow(
            name: file.source, bytes: file.bytes, total: file.size, speed: meter?.speed,
            time: Self.eta(meter, file.bytes, file.size, at: time))
        return [row, total]
    }

    private func sum(at time: Duration, isLast: Bool, isComplete: Bool) -> ProgressRow {
        let meter = whole
        var name = title
        if isTree { name = "\(progress.files)/\(progress.totalFiles) files, \(title)" }
        guard isLast else {
            return ProgressRow(
                name: name, bytes: progress.bytes, total: progress.totalBytes, speed: meter?.speed,
                time: Self.eta(meter, progress.bytes, progress.totalBytes, at: time))
        }
        // A file that grew while it was read, or of unknown size, is complete all the same.
        let total = isComplete ? progress.bytes : progress.totalBytes
        return ProgressRow(
            name: name, bytes: progress.bytes, total: total, speed: meter?.average(progress.bytes, at: time),
            time: ProgressRow.clock(meter?.elapsed(at: time).seconds ?? 0))
    }

    private func staying(_ file: TransferredFile, at time: Duration) -> ProgressRow {
        let meter = files[file.source]
        return ProgressRow(
            name: file.source, bytes: file.bytes, total: file.size, speed: meter?.average(file.bytes, at: time),
            time: ProgressRow.clock(meter?.elapsed(at: time).seconds ?? 0))
    }

    private static func eta(_ meter: TransferMeter?, _ bytes: UInt64, _ total: UInt64, at time: Duration) -> String {
        guard let meter else { return "--:-- ETA" }
        if meter.isStalled(at: time) { return "- stalled -" }
        return (meter.remaining(bytes, of: total).map(ProgressRow.clock) ?? "--:--") + " ETA"
    }
}

/// Shows a transfer's progress at a terminal while it runs.
final class ProgressDisplay: Sendable {
    private let state: NIOLockedValueBox<ProgressPicture>
    private let partial = NIOLockedValueBox<[TransferredFile]>([])
    private let isShown: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let ticking = NIOLockedValueBox<Task<Void, Never>?>(nil)

    /// - Parameters:
    ///   - title: Harmless to show.
    ///   - isTree: Whether several files make up a sum.
    ///   - isShown: Nothing is shown without a terminal, whatever this says.
    init(title: String, isTree: Bool, isShown: Bool) {
        state = NIOLockedValueBox(ProgressPicture(title: title, isTree: isTree))
        self.isShown = isShown && TerminalSize.columns() != nil
        start = ContinuousClock.now
    }

    /// Files of which a beginning is left behind.
    var left: [TransferredFile] { partial.withLockedValue { $0 } }

    /// Runs the transfer, which reports to `update`.
    func show<T, E: Error>(
        isolation: isolated (any Actor)? = #isolation, _ transfer: () async throws(E) -> T
    ) async throws(E) -> T {
        tick()
        do throws(E) {
            let result = try await transfer()
            finish(isComplete: true)
            return result
        } catch {
            finish(isComplete: false)
            throw error
        }
    }

    func update(_ progress: TransferProgress) {
        if !progress.partial.isEmpty { partial.withLockedValue { $0 = progress.partial } }
        guard isShown else { return }
        write { $0.update(progress, at: $1, columns: $2) }
    }

    /// A second hand: a transfer that stands still reports nothing.
    private func tick() {
        guard isShown else { return }
        ticking.withLockedValue {
            $0 = Task { [weak self] in
                while !Task.isCancelled {
                    do { try await Task.sleep(for: .milliseconds(500)) } catch { return }
                    self?.write { $0.redraw(at: $1, columns: $2) }
                }
            }
        }
    }

    private func finish(isComplete: Bool) {
        ticking.withLockedValue { $0?.cancel() }
        guard isShown else { return }
        write { $0.finish(at: $1, columns: $2, isComplete: isComplete) }
    }

    /// Draws under the lock, so that two pictures never mix. In the background of its terminal it is silent.
    private func write(_ draw: (inout ProgressPicture, Duration, Int) -> String) {
        let columns = TerminalSize.columns() ?? 80
        let now = clock.now - start
        state.withLockedValue { picture in
            let text = draw(&picture, now, columns)
            guard !text.isEmpty, tcgetpgrp(STDOUT_FILENO) == getpgrp() else { return }
            PersonTerminal.write(Array(text.utf8))
        }
    }
}
