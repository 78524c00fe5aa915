import Testing

@testable import SSHProtocol

/// The table against a second one, written by hand in another form: for each role and state, the numbers that are handled,
/// read past and answered with UNIMPLEMENTED. Everything else ends the connection.
@Suite struct AdmissionTableTests {
    struct Row {
        var handled: Set<UInt8> = [1]
        var ignored: Set<UInt8> = [2, 3, 4]
        var unimplemented: Set<UInt8> = []
    }

    private static let unassignedTransport = Set<UInt8>(8...19).union(22...29)
    private static let unassignedAuthentication = unassignedTransport.union(54...59)
    private static let unassignedConnected = unassignedTransport.union(83...89).union(101...127).union(128...191)
        .union(194...255)
    private static let connection = Set<UInt8>(80...82).union(90...100)

    private static func row(_ role: ConnectionRole, _ state: AdmissionState) -> Row {
        switch (state, role) {
        case (.firstInit, _): Row(handled: [1, 20])
        case (.exchange(let due, .strictFirst), _): Row(handled: exchange(role, due), ignored: [])
        case (.exchange(let due, .first), _): Row(handled: exchange(role, due))
        // Crossed by an answer to a question of ours, and by nothing else.
        case (.exchange(let due, .later(let unanswered)), _):
            Row(handled: exchange(role, due).union(crossing[unanswered, default: []]))
        case (.service, .client): Row(handled: [1, 6, 7, 20], unimplemented: unassignedTransport)
        case (.service, .server): Row(handled: [1, 5, 7, 20], unimplemented: unassignedTransport)
        case (.authentication, .client):
            Row(handled: [1, 7, 20, 51, 52, 53], unimplemented: unassignedAuthentication)
        case (.interaction, .client):
            Row(handled: [1, 7, 20, 51, 52, 53, 60], unimplemented: unassignedAuthentication)
        case (.authentication, .server): Row(handled: [1, 5, 20, 50], unimplemented: unassignedAuthentication)
        case (.interaction, .server): Row(handled: [1, 5, 20, 50, 61], unimplemented: unassignedAuthentication)
        case (.connected, .client):
            Row(handled: connection.union([1, 20, 192, 193]), unimplemented: unassignedConnected)
        case (.connected, .server):
            Row(
                handled: connection.union([1, 20, 192, 193]), ignored: [2, 3, 4, 50],
                unimplemented: unassignedConnected)
        case (.closed, _): Row(handled: [], ignored: Set(0...255))
        }
    }

    private static let crossing: [AdmissionState.Unanswered: Set<UInt8>] = [
        .requests: [81, 82], .openings: [91, 92], .requestsAndOpenings: [81, 82, 91, 92],
    ]

    /// A key exchange admits the end of the connection and the one message that is due.
    private static func exchange(_ role: ConnectionRole, _ due: AdmissionState.Due) -> Set<UInt8> {
        switch (due, role) {
        case (.guess, _): Set(30...49).union([1])
        case (.share, .server): [1, 30]
        case (.share, .client): [1, 31]
        case (.group, .server): [1, 34]
        case (.group, .client): [1, 31]
        case (.groupShare, .server): [1, 32]
        case (.groupShare, .client): [1, 33]
        case (.newKeys, _): [1, 21]
        }
    }

    @Test(
        "every cell of role × state × message number is as written", arguments: ConnectionRole.allCases,
        AdmissionState.allCases)
    func complete(role: ConnectionRole, state: AdmissionState) {
        let row = Self.row(role, state)
        for number in UInt8.min...UInt8.max {
            let expected: Admission =
                row.handled.contains(number)
                ? .handle
                : row.ignored.contains(number) ? .ignore : row.unimplemented.contains(number) ? .unimplemented : .refuse
            let found = AdmissionTable.admission(of: number, role: role, state: state)
            #expect(found == expected, "message \(number)")
        }
    }

    @Test("the states are all there, each once")
    func states() {
        #expect(AdmissionState.allCases.count == 36)
        #expect(Set(AdmissionState.allCases).count == 36)
    }

    @Test("nothing of the connection protocol is admitted before authentication, in either role")
    func nothingEarly() {
        for role in ConnectionRole.allCases {
            for state in AdmissionState.allCases where state != .connected && state != .closed {
                if case .exchange(_, .later) = state { continue }
                for number in UInt8(80)...255 {
                    #expect(AdmissionTable.admission(of: number, role: role, state: state) == .refuse)
                }
            }
        }
    }
}
