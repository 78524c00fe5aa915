import Testing

@testable import Policy

private let me = "usr_me"
private let foreign = PolicyObject(kind: "host", id: "h1", tags: ["web"], ownerIDs: ["usr_other"])
private let own = PolicyObject(kind: "host", id: "h2", ownerIDs: [me])
private let devops = PolicyObject(kind: "host", id: "h3", tags: ["devops"], ownerIDs: ["usr_other"])
private let gpu = PolicyObject(kind: "host", id: "h4", tags: ["gpu", "train"], ownerIDs: ["usr_other"])
private let joined = PolicyObject(kind: "session", id: "s1", tags: ["web"], participantIDs: [me, "usr_other"])
private let closed = PolicyObject(kind: "session", id: "s2", tags: ["web"], participantIDs: ["usr_other"])

@Suite struct PolicyTableTests {
    private func allowed(_ role: String, _ permission: Permission, _ object: PolicyObject?) -> Bool {
        let subject = Subject(tenant: "t", userID: me, role: role)
        return PolicyTable.standard.decide(subject, permission, on: object).isAllowed
    }

    /// For each role and permission: where it holds, of n(othing named) f(oreign) o(wn) d(evops) g(pu) j(oined) c(losed).
    private static let expected: [(String, [Permission], String)] = [
        ("admin", Permission.allCases, "nfodgjc"),
        ("devops", [.sessionStart, .sessionType, .sessionShare, .hostUse, .recordingExport], "od"),
        ("devops", [.fileRead, .fileWrite, .sessionLink, .sessionModerate], "od"),
        ("devops", [.sessionView], "fodgj"),
        ("devops", [.recordingView], "fodgj"),
        ("devops", [.hostView, .hostAdd, .hostProbe, .auditRead], "nfodgjc"),
        ("devops", [.hostEdit], "o"),
        ("devops", [.sessionEndAny, .sessionStartForOthers, .sessionTunnel, .userManage, .settingsEdit], ""),
        ("devops", [.recordingDelete, .recordingHold], ""),
        ("ml-ops", [.recordingDelete, .recordingHold], ""),
        ("guest", [.recordingDelete, .recordingHold], ""),
        ("ml-ops", [.sessionStart, .sessionType, .sessionShare, .hostUse, .hostAdd, .hostEdit], "g"),
        ("ml-ops", [.recordingExport, .fileRead, .fileWrite, .sessionLink, .sessionModerate], "g"),
        ("ml-ops", [.sessionView, .recordingView], "fodgj"),
        ("ml-ops", [.hostView, .hostProbe], "nfodgjc"),
        (
            "ml-ops", [.sessionEndAny, .sessionStartForOthers, .sessionTunnel, .userManage, .settingsEdit, .auditRead],
            ""
        ),
        ("guest", [.sessionView, .recordingView, .fileRead], "fodgj"),
        ("guest", [.auditRead], "nfodgjc"),
        ("guest", [.sessionLink, .sessionModerate], ""),
        ("guest", [.sessionStart, .sessionType, .sessionShare, .sessionEndAny, .sessionStartForOthers], ""),
        ("guest", [.sessionTunnel], ""),
        ("guest", [.hostView, .hostUse, .hostAdd, .hostEdit, .hostProbe], ""),
        ("guest", [.userManage, .recordingExport, .fileWrite, .settingsEdit], ""),
        ("devops", [.agentApprove], "nfodgjc"),
        ("ml-ops", [.agentApprove], "nfodgjc"),
        ("guest", [.agentApprove], ""),
        ("devops", [.macroShare, .agentManage], ""),
        ("ml-ops", [.macroShare, .agentManage], ""),
        ("guest", [.macroShare, .agentManage], ""),
    ]

    @Test("each role may do exactly what the table of the product says", arguments: expected)
    func matrix(role: String, permissions: [Permission], places: String) {
        let objects: [(Character, PolicyObject?)] = [
            ("n", nil), ("f", foreign), ("o", own), ("d", devops), ("g", gpu), ("j", joined), ("c", closed),
        ]
        for permission in permissions {
            for (letter, object) in objects {
                #expect(
                    allowed(role, permission, object) == places.contains(letter),
                    "\(role) \(permission.rawValue) \(letter)")
            }
        }
    }

    @Test("the expectations name every permission of every role")
    func complete() {
        for role in PolicyTable.roles {
            let named = Self.expected.filter { $0.0 == role }.flatMap(\.1)
            #expect(named.count == Permission.allCases.count && Set(named).count == named.count, "\(role)")
        }
    }

    @Test("an unknown role may do nothing")
    func unknownRole() {
        for permission in Permission.allCases { #expect(!allowed("root", permission, own)) }
        #expect(PolicyTable.standard.permissions(of: "root").isEmpty)
    }

    @Test("a refusal names the permission and says what would be needed")
    func explanations() {
        func reason(_ role: String, _ permission: Permission) -> String {
            let subject = Subject(tenant: "t", userID: me, role: role)
            guard case .refuse(let missing, let reason) = PolicyTable.standard.decide(subject, permission, on: foreign)
            else { return "" }
            #expect(missing == permission)
            return reason
        }
        #expect(
            reason("guest", .sessionStart)
                == "The role guest may not start sessions; admin, devops, ml-ops may (session.start).")
        #expect(
            reason("ml-ops", .sessionStart)
                == "The role ml-ops may start sessions only on hosts tagged gpu (session.start).")
        #expect(
            reason("devops", .sessionType)
                == "The role devops may type in sessions only on hosts that one added oneself, or on hosts tagged devops "
                + "(session.type).")
    }
}
