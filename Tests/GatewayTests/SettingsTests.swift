import Storage
import Testing

@testable import Gateway

@Suite struct SettingsTests {
    @Test("a new gateway has the standard values, and a change keeps the others")
    func update() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        #expect(try await domain.settings.current() == .standard)
        let changed = try await domain.settings.update(
            seatlessMinutes: 5, idleMinutes: nil, recordingFailure: nil, caller: admin)
        #expect(changed == SettingsValue(seatlessMinutes: 5, idleMinutes: 0, recordingFailure: "block"))
        _ = try await domain.settings.update(
            seatlessMinutes: nil, idleMinutes: 10, recordingFailure: "block", caller: admin)
        #expect(
            try await domain.settings.current()
                == SettingsValue(seatlessMinutes: 5, idleMinutes: 10, recordingFailure: "block"))
        #expect(try await domain.actions().suffix(2) == ["settings.update", "settings.update"])
    }

    @Test("values out of range are refused with their field")
    func invalid() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        #expect(
            await domain.error {
                try await domain.settings.update(
                    seatlessMinutes: 0, idleMinutes: nil, recordingFailure: nil, caller: admin)
            }?.field == "seatlessMinutes")
        #expect(
            await domain.error {
                try await domain.settings.update(
                    seatlessMinutes: nil, idleMinutes: -1, recordingFailure: nil, caller: admin)
            }?.field == "idleMinutes")
        #expect(
            await domain.error {
                try await domain.settings.update(
                    seatlessMinutes: nil, idleMinutes: nil, recordingFailure: "ignore", caller: admin)
            }?.field
                == "recordingFailure")
        #expect(try await domain.settings.current() == .standard)
    }

    @Test("only an admin changes them")
    func permission() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "devops")
        #expect(
            await domain.error {
                try await domain.settings.update(
                    seatlessMinutes: nil, idleMinutes: 1, recordingFailure: nil, caller: bob)
            }?.missing == "settings.edit")
    }
}
