/// How a file is opened: draft-ietf-secsh-filexfer-02 §6.3.
public struct OpenFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let read = OpenFlags(rawValue: 0x01)
    public static let write = OpenFlags(rawValue: 0x02)
    /// Every write goes to the end of the file.
    public static let append = OpenFlags(rawValue: 0x04)
    /// The file is made when it does not exist.
    public static let create = OpenFlags(rawValue: 0x08)
    /// What the file holds is dropped.
    public static let truncate = OpenFlags(rawValue: 0x10)
    /// With `create`: the file must not exist.
    public static let exclusive = OpenFlags(rawValue: 0x20)

    static let all: OpenFlags = [.read, .write, .append, .create, .truncate, .exclusive]
}
