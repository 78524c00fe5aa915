import Gateway
import Storage

struct MacroAnswer: Encodable {
    struct Owner: Encodable {
        let id: String
        let name: String
    }

    let id: String
    let name: String
    let text: String
    let description: String
    let shared: Bool
    let owner: Owner
    let mayEdit: Bool
    let updatedAt: String

    init(_ macro: Macro, mayEdit: Bool) {
        id = macro.id
        name = macro.name
        text = macro.text
        description = macro.description
        shared = macro.isShared
        owner = Owner(id: macro.ownerID, name: macro.ownerName)
        self.mayEdit = mayEdit
        updatedAt = macro.updatedAt.iso8601
    }
}

struct MacrosAnswer: Encodable {
    let macros: [MacroAnswer]
}

struct OneMacroAnswer: Encodable {
    let macro: MacroAnswer
}

struct NoticeAnswer: Encodable {
    let id: String
    let kind: String
    let text: String
    let link: String
    let at: String
    let readAt: String?

    init(_ notice: Notice) {
        id = notice.id
        kind = notice.kind.rawValue
        text = notice.text
        link = notice.link
        at = notice.at.iso8601
        readAt = notice.readAt?.iso8601
    }
}

struct InboxAnswer: Encodable {
    let notices: [NoticeAnswer]
    let unread: Int
}

struct PushKeyAnswer: Encodable {
    let publicKey: String
}

struct PushDeviceAnswer: Encodable {
    let id: String
    let device: String
    let createdAt: String
    let lastSentAt: String?

    init(_ device: PushDevice) {
        id = device.id
        self.device = device.name
        createdAt = device.createdAt.iso8601
        lastSentAt = device.lastSentAt?.iso8601
    }
}

struct PushDevicesAnswer: Encodable {
    let devices: [PushDeviceAnswer]
}

struct OnePushDeviceAnswer: Encodable {
    let device: PushDeviceAnswer
}

struct PushTestAnswer: Encodable {
    /// How many devices it is on its way to.
    let sent: Int
}
