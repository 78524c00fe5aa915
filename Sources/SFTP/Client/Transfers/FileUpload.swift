// One file from this machine to the server.
//
// Pieces are read on the thread pool and sent as far as the session's flight and the stream allow. Holes are passed over.
// When the last piece is sent, attributes and CLOSE follow at once: a server does in order what concerns one file.

import NIOCore
import SSHProtocol

final class FileUpload: TransferTask {
    /// Bytes that one job reads at most.
    private static let readAhead = 1 << 20

    private let transfer: Upload
    private let target: RemotePath
    private let source: LocalTarget

    private var handle: SFTPHandle?
    private var descriptor: OpenDescriptor?
    private var acknowledged: UInt64 = 0
    private var attributes = FileAttributes()
    private var size: UInt64 = 0
    private var position: UInt64 = 0
    private var endsInHole = false
    private var knownData: Range<UInt64> = 0..<0
    private var isOnDisk = false
    private var isWaiting = false
    private var isFinishing = false
    private var answersDue = 0
    private var isEnded = false
    private var ending: SFTPError?

    init(_ transfer: Upload, _ source: LocalTarget, to target: RemotePath) {
        self.transfer = transfer
        self.source = source
        self.target = target
    }

    private var core: ClientCore { transfer.core }

    var file: TransferredFile? {
        TransferredFile(
            source: DisplayText.neutralise(source.shown), target: target.description, bytes: acknowledged, size: size)
    }

    private var resumes: Bool { transfer.options.resume != .never }

    // MARK: Beginning

    func start() {
        let source = source
        isOnDisk = true
        transfer.onDisk { () throws(SFTPError) in
            try source.openSource()
        } then: { result in
            self.isOnDisk = false
            if self.isEnded { return self.leave() }
            switch result {
            case .success((let file, let attributes)): self.open(file, attributes)
            case .failure(let error): self.end(error)
            }
        }
    }

    /// A file whose contents are read already: its size is known to be small.
    func start(contents: ByteBuffer, _ attributes: FileAttributes) {
        self.attributes = attributes
        size = UInt64(contents.readableBytes)
        transfer.found(files: 1, bytes: size)
        openRemote([.write, .create, .truncate]) {
            self.position = self.size
            if contents.readableBytes > 0 { self.write(contents, at: 0) }
            self.finish()
        }
    }

    private func open(_ file: OpenDescriptor, _ attributes: FileAttributes) {
        descriptor = file
        self.attributes = attributes
        size = attributes.size ?? 0
        transfer.found(files: 1, bytes: size)
        guard resumes else { return openRemote([.write, .create, .truncate]) { self.pump() } }
        openRemote([.read, .write, .create]) { self.lookAtTarget() }
    }

    private func openRemote(_ flags: OpenFlags, then: @escaping () -> Void) {
        // The owner can write while the transfer lasts, and later without `preservesModes`: nobody sets it any more then.
        let mode = attributes.safeMode.map { $0 | 0o600 }
        core.send(.open(target, flags, FileAttributes(permissions: mode))) { result in
            switch result {
            case .success(.handle(let handle)):
                if self.isEnded { return self.core.close(handle) }
                self.handle = handle
                then()
            case .success(.status(let status)): self.end(.status(status, self.target))
            case .success: self.end(.unexpected(self.target))
            case .failure(let error): self.end(error)
            }
        }
    }

    private func lookAtTarget() {
        guard let handle, let file = descriptor else { return }
        core.send(.fstat(handle)) { result in
            guard !self.isEnded else { return }
            guard case .success(.attributes(let found)) = result, let existing = found.size else {
                return self.end(.unexpected(self.target))
            }
            if existing == 0 { return self.pump() }
            guard existing <= self.size else {
                return self.end(.resumeMismatch(self.target, "the file at the server is longer than the one here"))
            }
            OverlapCheck(self.transfer, handle: handle, file: file, path: self.target, length: existing) { error in
                guard !self.isEnded else { return }
                if let error { return self.end(error) }
                (self.position, self.acknowledged) = (existing, existing)
                self.transfer.resumed(existing)
                self.pump()
            }.start()
        }
    }

    // MARK: Data

    private struct Pieces: Sendable {
        var pieces: [(offset: UInt64, data: ByteBuffer)] = []
        /// Where the next job goes on.
        var next: UInt64
        /// Data for certain, without a hole.
        var known: Range<UInt64>
        var holes: UInt64 = 0
        var endsInHole = false
    }

    private func pump() {
        guard !isEnded, !isOnDisk, !isFinishing, let file = descriptor else { return }
        guard position < size else { return finish() }
        guard core.flight.hasRoom, core.isWritable else { return wait() }
        // Whole pieces: one that is cut to the room that is left would be answered as such, and leave as little again.
        let room = max(core.writeSize, core.flight.limit - core.flight.inFlight)
        let whole = min(Self.readAhead, room) / core.writeSize * core.writeSize
        let budget = min(max(whole, core.writeSize), Int(clamping: size - position))
        // What the job may read counts as under way already, so that no other file takes the same room.
        core.flight.take(budget)
        isOnDisk = true
        let known = transfer.options.preservesHoles ? knownData : 0..<size
        let (piece, from, size, shown) = (core.writeSize, position, size, source.shown)
        let memory = transfer.pieceMemory
        transfer.onDisk { () throws(SFTPError) in
            try Self.read(
                file, from: from, known: known, budget: budget, piece: piece, size: size, shown: shown, into: memory)
        } then: { result in
            self.isOnDisk = false
            self.transfer.release(budget)
            if self.isEnded { return self.leave() }
            switch result {
            case .success(let pieces): self.send(pieces)
            case .failure(let error): self.end(error)
            }
        }
    }

    private func wait() {
        guard !isWaiting else { return }
        isWaiting = true
        let goOn = {
            self.isWaiting = false
            self.pump()
        }
        if core.flight.hasRoom { core.whenWritable(goOn) } else { core.flight.wait(goOn) }
    }

    /// Reads pieces from `start` on. `known` is data for certain: finding the end of a long stretch costs the system a
    /// walk over all of it, so each stretch is looked for once.
    private static func read(
        _ file: OpenDescriptor, from start: UInt64, known: Range<UInt64>, budget: Int, piece: Int, size: UInt64,
        shown: String, into memory: PieceMemory
    ) throws(SFTPError) -> Pieces {
        var result = Pieces(next: start, known: known)
        var left = budget
        while left > 0, result.next < size {
            if !result.known.contains(result.next) {
                guard let data = file.nextData(from: result.next, size: size), data.lowerBound < size else {
                    result.holes += size - result.next
                    result.next = size
                    result.endsInHole = true
                    break
                }
                result.holes += data.lowerBound - result.next
                result.next = data.lowerBound
                result.known = data
            }
            let wanted = min(left, piece, Int(clamping: result.known.upperBound - result.next))
            var data = memory.take(wanted)
            let count: Int
            do throws(SystemFailure) {
                count = try file.read(into: &data, at: result.next, length: wanted)
            } catch { throw .localFile(error, path: shown) }
            guard count == wanted else { throw .fileChanged(shown) }
            result.pieces.append((result.next, data))
            result.next += UInt64(count)
            left -= count
        }
        return result
    }

    private func send(_ pieces: Pieces) {
        position = pieces.next
        knownData = pieces.known
        endsInHole = pieces.endsInHole
        acknowledged &+= pieces.holes
        if pieces.holes > 0 { transfer.moved(0, ofHoles: pieces.holes) }
        for piece in pieces.pieces where !isEnded { write(piece.data, at: piece.offset) }
        pump()
    }

    private func write(_ data: ByteBuffer, at offset: UInt64) {
        guard let handle else { return }
        let count = data.readableBytes
        core.flight.take(count)
        answersDue += 1
        let sent = NIODeadline.now()
        core.sendExpectingStatus(.write(handle, offset: offset, data: data), target) { error in
            self.answersDue -= 1
            self.transfer.pieceMemory.give(data)
            if error == nil { self.core.flight.answered(count, sent: sent, now: .now()) }
            self.transfer.passed(count)
            guard !self.isEnded else { return }
            if let error { return self.end(error) }
            self.acknowledged &+= UInt64(count)
            self.transfer.moved(count)
            self.endIfDone()
        }
    }

    // MARK: The end

    private func finish() {
        guard !isFinishing, let handle else { return }
        isFinishing = true
        var final = FileAttributes()
        // Nothing was written where the file ends in a hole.
        if endsInHole { final.size = size }
        if transfer.options.preservesModes { final.permissions = attributes.safeMode }
        if transfer.options.preservesTimes { final.times = attributes.times }
        if final != FileAttributes() {
            expect(.fsetstat(handle, final), mayBeUnsupported: !endsInHole)
        }
        if transfer.options.synchronises, core.has(.fsync) { expect(.fsync(handle), mayBeUnsupported: true) }
        self.handle = nil
        expect(.close(handle), mayBeUnsupported: false)
    }

    private func expect(_ request: SFTPRequest, mayBeUnsupported: Bool) {
        answersDue += 1
        core.sendExpectingStatus(request, target) { error in
            self.answersDue -= 1
            guard !self.isEnded else { return }
            if let error, !(mayBeUnsupported && error.code == .unsupported) { return self.end(error) }
            self.endIfDone()
        }
    }

    private func endIfDone() {
        if isFinishing, answersDue == 0, !isEnded { end(nil) }
    }

    func abort() { end(.cancelled) }

    private func end(_ error: SFTPError?) {
        guard !isEnded else { return }
        isEnded = true
        ending = error
        if let handle { core.close(handle) }
        handle = nil
        if error == nil, let file { transfer.finishedFile(file) }
        if !isOnDisk { leave() }
    }

    private func leave() {
        descriptor = nil
        transfer.ended(self, ending)
    }
}
