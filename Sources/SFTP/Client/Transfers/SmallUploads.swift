import NIOCore

/// A batch of small files: read by one job of the thread pool, then sent as so many uploads.
final class SmallUploads: TransferTask {
    struct File: Sendable {
        var source: LocalTarget
        var target: RemotePath
    }

    private struct Contents: Sendable {
        var data: ByteBuffer
        var attributes: FileAttributes
    }

    private let transfer: Upload
    private let files: [File]
    private var isAborted = false

    init(_ transfer: Upload, _ files: [File]) {
        self.transfer = transfer
        self.files = files
    }

    func start() {
        let files = files
        transfer.onDisk { () throws(SFTPError) in
            files.map { Self.read($0) }
        } then: { result in
            self.transfer.batchEnded(files.count)
            if self.isAborted { return self.transfer.ended(self, .cancelled) }
            switch result {
            case .success(let contents):
                for (file, contents) in zip(files, contents) { self.begin(file, contents) }
                self.transfer.ended(self)
            case .failure(let error): self.transfer.ended(self, error)
            }
        }
    }

    private func begin(_ file: File, _ contents: Result<Contents?, SFTPError>) {
        switch contents {
        case .success(let contents):
            let upload = FileUpload(transfer, file.source, to: file.target)
            transfer.began(upload)
            // One that has grown since it was listed goes the long way.
            if let contents { upload.start(contents: contents.data, contents.attributes) } else { upload.start() }
        case .failure(let error): transfer.failed(error)
        }
    }

    private static func read(_ file: File) -> Result<Contents?, SFTPError> {
        do throws(SFTPError) {
            let (descriptor, attributes) = try file.source.openSource()
            guard let size = attributes.size, size <= UInt64(SmallFiles.largest) else { return .success(nil) }
            return .success(
                try file.source.describing { () throws(SystemFailure) in
                    var data = ByteBuffer()
                    try descriptor.read(into: &data, at: 0, length: Int(size))
                    return Contents(data: data, attributes: attributes)
                })
        } catch { return .failure(error) }
    }

    func abort() { isAborted = true }
}
