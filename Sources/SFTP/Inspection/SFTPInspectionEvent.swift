/// Something that was done, or tried, with a file over a connection that is inspected.
public struct SFTPInspectionEvent: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable {
        case list, download, upload, mkdir, rename, delete, chmod, link
        /// Within the host, by copy-data.
        case copy

        /// Whether it changes something at the host.
        public var changes: Bool { self != .list && self != .download }
    }

    public enum Outcome: Sendable, Hashable {
        case done
        /// The connection ended before the file was closed.
        case cut
        /// The host said no.
        case failed(SFTPStatus.Code)
        /// It was not permitted and never reached the host.
        case refused
    }

    public var operation: Operation
    /// As the client named it; hostile.
    public var path: RemotePath
    /// The new name, or where the link stands.
    public var target: RemotePath?
    public var outcome: Outcome
    /// Bytes of contents that passed; nil where none could.
    public var bytes: UInt64?
    /// SHA-256 of the contents, where they passed once from the first byte to the last in their order.
    public var sha256: [UInt8]?

    init(_ operation: Operation, _ path: RemotePath, _ outcome: Outcome) {
        self.operation = operation
        self.path = path
        self.outcome = outcome
    }
}
