// One file from the server to this machine.
//
// READs are kept under way as far as the session's flight allows, never beyond the size that the file has at the start. What
// arrives is written in order, so that whatever interrupts the transfer, the local file is a beginning of the remote one
// and can be resumed.

import NIOCore
import SSHProtocol

final class FileDownload: TransferTask {
    private let transfer: Download
    private let remote: RemotePath
    private let attributes: FileAttributes
    private let target: LocalTarget

    private var handle: SFTPHandle?
    private var descriptor: OpenDescriptor?
    /// Zero where the server does not know it: then it is read until its end, one request at a time.
    private var size: UInt64
    private var readsToEnd = false
    private var nextRead: UInt64 = 0
    private var nextWrite: UInt64 = 0
    private var gaps: [Range<UInt64>] = []
    private var readsUnderWay = 0
    private var arrived: [UInt64: Piece] = [:]
    private var isOnDisk = false
    private var isWaiting = false
    private var isEnded = false
    private var ending: SFTPError?

    private struct Piece {
        var data: ByteBuffer
        /// Whether its memory may be used for another one when it is on the disk.
        var isReusable: Bool
    }

    init(_ transfer: Download, _ remote: RemotePath, _ attributes: FileAttributes, to target: LocalTarget) {
        self.transfer = transfer
        self.remote = remote
        self.attributes = attributes
        self.target = target
        size = attributes.size ?? 0
    }

    private var core: ClientCore { transfer.core }

    var file: TransferredFile? {
        TransferredFile(
            source: remote.description, target: DisplayText.neutralise(target.shown), bytes: nextWrite, size: size)
    }

    /// Whether one READ brings it all.
    private var isSmall: Bool {
        size <= UInt64(min(SmallFiles.largest, core.readSize)) && transfer.options.resume == .never
    }

    func start() {
        let small = isSmall
        core.send(.open(remote, .read, FileAttributes())) { result in
            guard let handle = self.handle(result) else { return }
            if small { self.readSmall(handle) } else { self.begin(handle) }
        }
    }

    /// The handle of an OPEN's answer; nil when there is none, or nobody wants it any more.
    private func handle(_ result: Result<SFTPResponse, SFTPError>) -> SFTPHandle? {
        switch result {
        case .success(.handle(let handle)):
            guard isEnded else { return handle }
            core.close(handle)
        case .success(.status(let status)): end(.status(status, remote))
        case .success: end(.unexpected(remote))
        case .failure(let error): end(error)
        }
        return nil
    }

    // MARK: Small files

    /// READ and CLOSE leave together: a server does in order what concerns one file (draft §6.1).
    private func readSmall(_ handle: SFTPHandle) {
        let wanted = size == 0 ? SFTPLimits.safeData : Int(size)
        core.flight.take(wanted)
        let sent = NIODeadline.now()
        core.send(.read(handle, offset: 0, length: UInt32(wanted))) { result in
            self.core.flight.answered(wanted, sent: sent, now: .now())
            self.smallArrived(result, wanted)
        }
        core.close(handle)
    }

    private func smallArrived(_ result: Result<SFTPResponse, SFTPError>, _ wanted: Int) {
        guard !isEnded else { return transfer.release(wanted) }
        switch result {
        case .success(.data(let data)) where size > 0 && data.readableBytes == Int(size):
            write(small: data, wanted)
        case .success(.status(let status)) where status.code == .endOfFile && size == 0:
            write(small: ByteBuffer(), wanted)
        case .success(.data):
            // It is another size than the directory said: read it the long way, which finds out.
            transfer.release(wanted)
            readsToEnd = size == 0
            core.send(.open(remote, .read, FileAttributes())) { result in
                if let handle = self.handle(result) { self.begin(handle) }
            }
        case .success(.status(let status)):
            transfer.release(wanted)
            end(status.code == .endOfFile ? .fileChanged(remote.description) : .status(status, remote))
        case .success:
            transfer.release(wanted)
            end(.unexpected(remote))
        case .failure(let error):
            transfer.release(wanted)
            end(error)
        }
    }

    private func write(small data: ByteBuffer, _ wanted: Int) {
        isOnDisk = true
        transfer.smallFiles.add(.init(target: target, data: data, attributes: attributes)) { error in
            self.isOnDisk = false
            self.transfer.passed(wanted)
            if let error { return self.end(error) }
            self.transfer.moved(data.readableBytes)
            self.end(nil)
        }
    }

    // MARK: Large files

    private func begin(_ handle: SFTPHandle) {
        self.handle = handle
        if size == 0 { readsToEnd = true }
        let (target, mode, keeping) = (target, attributes.safeMode ?? 0o666, transfer.options.resume != .never)
        isOnDisk = true
        transfer.onDisk { () throws(SFTPError) in
            try target.openTarget(mode: mode, keeping: keeping)
        } then: { result in
            self.isOnDisk = false
            if self.isEnded { return self.leave() }
            switch result {
            case .success(let opened): self.opened(opened.file, existing: opened.size)
            case .failure(let error): self.end(error)
            }
        }
    }

    private func opened(_ file: OpenDescriptor, existing: UInt64) {
        descriptor = file
        guard existing > 0, let handle else { return pump() }
        guard !readsToEnd, existing <= size else {
            return end(.resumeMismatch(remote, "what is here already is longer than the file at the server"))
        }
        OverlapCheck(transfer, handle: handle, file: file, path: remote, length: existing) { error in
            guard !self.isEnded else { return }
            if let error { return self.end(error) }
            (self.nextRead, self.nextWrite) = (existing, existing)
            self.transfer.resumed(existing)
            self.pump()
        }.start()
    }

    private func pump() {
        guard !isEnded else { return }
        while core.flight.hasRoom, let range = nextRange() { request(range) }
        if !core.flight.hasRoom && hasMoreToRead { wait() }
        finishIfComplete()
    }

    /// Once: each answer and each write to the disk comes by here, and all who wait are called together.
    private func wait() {
        guard !isWaiting else { return }
        isWaiting = true
        core.flight.wait {
            self.isWaiting = false
            self.pump()
        }
    }

    private var hasMoreToRead: Bool { !gaps.isEmpty || nextRead < size }

    private func nextRange() -> Range<UInt64>? {
        if let gap = gaps.popLast() { return gap }
        if readsToEnd {
            guard readsUnderWay == 0, nextRead < .max - UInt64(SFTPLimits.maximumData) else { return nil }
            return nextRead..<nextRead + UInt64(core.readSize)
        }
        guard nextRead < size else { return nil }
        defer { nextRead += min(size - nextRead, UInt64(core.readSize)) }
        return nextRead..<nextRead + min(size - nextRead, UInt64(core.readSize))
    }

    private func request(_ range: Range<UInt64>) {
        guard let handle else { return }
        readsUnderWay += 1
        core.flight.take(range.count)
        let sent = NIODeadline.now()
        core.send(.read(handle, offset: range.lowerBound, length: UInt32(range.count))) { result in
            self.readsUnderWay -= 1
            guard !self.isEnded else { return self.transfer.release(range.count) }
            self.arrived(result, range, sent)
        }
    }

    private func arrived(_ result: Result<SFTPResponse, SFTPError>, _ range: Range<UInt64>, _ sent: NIODeadline) {
        guard case .success(.data(let data)) = result else {
            transfer.release(range.count)
            return readFailed(result)
        }
        let count = data.readableBytes
        // None of what was asked for, or more: neither would ever come to an end.
        guard count > 0, count <= range.count else {
            transfer.release(range.count)
            return end(.unexpected(remote))
        }
        core.flight.answered(count, sent: sent, now: .now())
        if count < range.count {
            let rest = range.lowerBound + UInt64(count)..<range.upperBound
            if !readsToEnd {
                core.flight.shortRead(count)
                gaps.append(rest)
            }
            transfer.release(rest.count)
        }
        if readsToEnd {
            nextRead += UInt64(count)
            size = nextRead
        }
        arrived[range.lowerBound] = Piece(data: data, isReusable: core.isLatestReusable)
        write()
        pump()
    }

    private func readFailed(_ result: Result<SFTPResponse, SFTPError>) {
        switch result {
        case .success(.status(let status)) where status.code == .endOfFile:
            guard readsToEnd else { return end(.fileChanged(remote.description)) }
            readsToEnd = false
            finishIfComplete()
        case .success(.status(let status)): end(.status(status, remote))
        case .success: end(.unexpected(remote))
        case .failure(let error): end(error)
        }
    }

    /// Writes what has arrived without a gap, in one job at a time.
    private func write() {
        guard !isOnDisk, let file = descriptor else { return }
        let start = nextWrite
        var pieces: [Piece] = []
        var end = start
        while let piece = arrived.removeValue(forKey: end) {
            pieces.append(piece)
            end += UInt64(piece.data.readableBytes)
        }
        guard !pieces.isEmpty else { return }
        isOnDisk = true
        let (shown, sparsely, ready) = (target.shown, transfer.options.preservesHoles, pieces.map(\.data))
        transfer.onDisk { () throws(SFTPError) in
            var offset = start
            do throws(SystemFailure) {
                for piece in ready {
                    if sparsely { try file.writeSparsely(piece, at: offset) } else { try file.write(piece, at: offset) }
                    offset += UInt64(piece.readableBytes)
                }
            } catch { throw .localFile(error, path: shown) }
        } then: { result in
            self.isOnDisk = false
            for piece in pieces where piece.isReusable { self.core.reuse(piece.data) }
            self.written(result, Int(end - start), upTo: end)
        }
    }

    private func written(_ result: Result<Void, SFTPError>, _ bytes: Int, upTo end: UInt64) {
        if case .success = result { nextWrite = end }
        transfer.passed(bytes)
        if isEnded { return leave() }
        if case .failure(let error) = result { return self.end(error) }
        transfer.moved(bytes)
        write()
        pump()
    }

    private func finishIfComplete() {
        guard !isEnded, !readsToEnd, nextWrite == size, nextRead >= size, gaps.isEmpty, !isOnDisk,
            let file = descriptor
        else {
            return
        }
        if let handle { core.close(handle) }
        handle = nil
        isOnDisk = true
        let (size, attributes, options, shown) = (size, attributes, transfer.options, target.shown)
        transfer.onDisk { () throws(SFTPError) in
            do throws(SystemFailure) { try file.finish(size: size, attributes, options) } catch {
                throw .localFile(error, path: shown)
            }
        } then: { result in
            self.isOnDisk = false
            if self.isEnded { return self.leave() }
            if case .failure(let error) = result { self.end(error) } else { self.end(nil) }
        }
    }

    // MARK: The end

    func abort() { end(.cancelled) }

    private func end(_ error: SFTPError?) {
        guard !isEnded else { return }
        isEnded = true
        ending = error
        if let handle { core.close(handle) }
        handle = nil
        let left = arrived.values.reduce(0) { $0 + $1.data.readableBytes }
        arrived = [:]
        if left > 0 { transfer.release(left) }
        if error == nil, let file {
            transfer.finishedFile(.init(source: file.source, target: file.target, bytes: size, size: size))
        }
        // What the disk has in hand comes to its end first.
        if !isOnDisk { leave() }
    }

    private func leave() {
        descriptor = nil
        transfer.ended(self, ending)
    }
}
