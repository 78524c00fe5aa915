/// Everything that somebody can be allowed to do. The raw value is part of the interface.
public enum Permission: String, CaseIterable, Sendable, Hashable {
    case sessionStart = "session.start"
    /// A view-only seat in a session.
    case sessionView = "session.view"
    /// A seat that may take the keyboard.
    case sessionType = "session.type"
    case sessionShare = "session.share"
    /// Inviting people without an account, by a link to one session.
    case sessionLink = "session.link"
    /// Watching sessions that go on only while somebody watches.
    case sessionModerate = "session.moderate"
    /// Ending sessions of other people.
    case sessionEndAny = "session.end"
    /// Starting a session on behalf of somebody else.
    case sessionStartForOthers = "session.start.others"
    /// Seeing that a host exists, with its address and tags.
    case hostView = "host.view"
    /// Logging in to a host with its stored credential, a test included.
    case hostUse = "host.use"
    case hostAdd = "host.add"
    case hostEdit = "host.edit"
    /// Reading the host key of any address.
    case hostProbe = "host.probe"
    case userManage = "user.manage"
    case auditRead = "audit.read"
    case recordingView = "recording.view"
    case recordingExport = "recording.export"
    /// Deleting a recording before its time, and for ever.
    case recordingDelete = "recording.delete"
    /// Placing and lifting a legal hold.
    case recordingHold = "recording.hold"
    case fileRead = "file.read"
    case fileWrite = "file.write"
    case settingsEdit = "settings.edit"

    /// What it lets one do, to follow "may" in a sentence.
    public var summary: String {
        switch self {
        case .sessionStart: "start sessions"
        case .sessionView: "watch sessions"
        case .sessionType: "type in sessions"
        case .sessionShare: "invite others to sessions"
        case .sessionLink: "make links for people without an account"
        case .sessionModerate: "moderate sessions"
        case .sessionEndAny: "end other people's sessions"
        case .sessionStartForOthers: "start sessions for other people"
        case .hostView: "see hosts"
        case .hostUse: "log in to hosts"
        case .hostAdd: "add hosts"
        case .hostEdit: "change hosts"
        case .hostProbe: "read the host key of an address"
        case .userManage: "manage people"
        case .auditRead: "read the audit log"
        case .recordingView: "replay recordings"
        case .recordingExport: "download recordings"
        case .recordingDelete: "delete recordings"
        case .recordingHold: "place and lift legal holds"
        case .fileRead: "read files"
        case .fileWrite: "write files"
        case .settingsEdit: "change the settings"
        }
    }
}
