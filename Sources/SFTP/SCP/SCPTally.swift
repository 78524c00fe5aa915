import NIOCore

/// How far a transfer by the old protocol has come, told at most ten times a second.
struct SCPTally {
    private var progress = TransferProgress()
    private var file: TransferredFile?
    private let report: (@Sendable (TransferProgress) -> Void)?
    private var lastReport = NIODeadline.uptimeNanoseconds(0)

    init(_ report: (@Sendable (TransferProgress) -> Void)?) { self.report = report }

    mutating func began(source: RemotePath, target: RemotePath, size: UInt64) {
        file = TransferredFile(source: source.description, target: target.description, bytes: 0, size: size)
        progress.totalFiles += 1
        progress.totalBytes &+= size
    }

    mutating func moved(_ bytes: Int) {
        file?.bytes &+= UInt64(bytes)
        progress.bytes &+= UInt64(bytes)
        let now = NIODeadline.now()
        guard let report, now - lastReport >= .milliseconds(100) else { return }
        lastReport = now
        progress.underWay = file.map { [$0] } ?? []
        report(progress)
        progress.finished.removeAll()
    }

    mutating func finished() {
        progress.files += 1
        if let file, report != nil { progress.finished.append(file) }
        file = nil
    }

    func end() {
        var last = progress
        last.underWay = []
        if let file, file.bytes > 0 { last.partial = [file] }
        report?(last)
    }
}
