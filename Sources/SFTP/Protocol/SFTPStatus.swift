// Status codes: draft-ietf-secsh-filexfer-02 §7.

/// The answer to a request that brings nothing back, or why it failed.
public struct SFTPStatus: Error, Sendable, Hashable {
    /// The codes of version 3.
    public enum Code: UInt32, Sendable, Hashable, CaseIterable {
        case ok = 0
        case endOfFile = 1
        case noSuchFile = 2
        case permissionDenied = 3
        case failure = 4
        case badMessage = 5
        case noConnection = 6
        case connectionLost = 7
        case unsupported = 8
    }

    public var code: Code
    /// The server's sentence, in English. From a peer: neutralise it before it is shown.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public static let ok = SFTPStatus(.ok, "Success")
    public static let endOfFile = SFTPStatus(.endOfFile, "End of file")
    public static let permissionDenied = SFTPStatus(.permissionDenied, "Permission denied")
    public static let unsupported = SFTPStatus(.unsupported, "Operation unsupported")
    public static let noSuchFile = SFTPStatus(.noSuchFile, "No such file or directory")
}
