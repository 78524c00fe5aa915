import Crypto
import NIOCore

/// A file or folder that is open at the host, with what passed of it. Owned by one `SFTPInspection`; answers that are under
/// way when it is closed still count.
final class PassingFile {
    let path: RemotePath
    let isDirectory: Bool
    let reads: Bool
    let writes: Bool
    /// A refusal of a write to it was told: one is enough.
    var isRefusalTold = false
    private var incoming = PassingContents()
    private var outgoing = PassingContents()

    init(_ path: RemotePath, reads: Bool, writes: Bool) {
        self.path = path
        self.reads = reads
        self.writes = writes
        isDirectory = false
    }

    init(directory path: RemotePath) {
        self.path = path
        reads = true
        writes = false
        isDirectory = true
    }

    func wrote(_ contents: ByteBuffer, at offset: UInt64) { incoming.add(contents, at: offset) }

    func read(_ contents: ByteBuffer, at offset: UInt64) { outgoing.add(contents, at: offset) }

    /// What is to be told at its end.
    func events(isWhole: Bool) -> [SFTPInspectionEvent] {
        guard !isDirectory else { return [] }
        var events: [SFTPInspectionEvent] = []
        if writes { events.append(event(.upload, &incoming, isWhole)) }
        // Opened for both and only written: nobody took anything away.
        if reads, !writes || outgoing.bytes > 0 { events.append(event(.download, &outgoing, isWhole)) }
        return events
    }

    private func event(
        _ operation: SFTPInspectionEvent.Operation, _ contents: inout PassingContents, _ isWhole: Bool
    ) -> SFTPInspectionEvent {
        var event = SFTPInspectionEvent(operation, path, isWhole ? .done : .cut)
        event.bytes = contents.bytes
        event.sha256 = contents.digest
        return event
    }
}

/// Contents of one direction, counted, and hashed as long as they come in their order.
private struct PassingContents {
    private(set) var bytes: UInt64 = 0
    private var hash = SHA256()
    private var isInOrder = true

    mutating func add(_ contents: ByteBuffer, at offset: UInt64) {
        isInOrder = isInOrder && offset == bytes
        bytes &+= UInt64(contents.readableBytes)
        if isInOrder { contents.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }
    }

    var digest: [UInt8]? { isInOrder ? Array(hash.finalize()) : nil }
}
