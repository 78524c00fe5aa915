// draft-ietf-secsh-filexfer-02 §3.

enum MessageType: UInt8, CaseIterable {
    case initialise = 1
    case version = 2
    case open = 3
    case close = 4
    case read = 5
    case write = 6
    case lstat = 7
    case fstat = 8
    case setstat = 9
    case fsetstat = 10
    case opendir = 11
    case readdir = 12
    case remove = 13
    case mkdir = 14
    case rmdir = 15
    case realpath = 16
    case stat = 17
    case rename = 18
    case readlink = 19
    case symlink = 20
    case status = 101
    case handle = 102
    case data = 103
    case name = 104
    case attrs = 105
    case extended = 200
    case extendedReply = 201
}

/// The bounds that both ends keep.
public enum SFTPLimits {
    /// The longest packet that is read, without its own length field: 256 KiB of data and a header.
    public static let maximumPacket = 256 * 1024 + 1024
    /// The most data in one READ or WRITE: what OpenSSH takes.
    public static let maximumData = 255 * 1024
    /// The most data that every server takes (draft-ietf-secsh-filexfer-02 §3).
    public static let safeData = 32 * 1024
    static let version: UInt32 = 3
}
