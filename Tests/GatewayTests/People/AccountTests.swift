import Audit
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite struct AccountTests {
    @Test(
        "only an admin manages people, and the refusal names the permission", arguments: ["devops", "ml-ops", "guest"])
    func permission(role: String) async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let other = try await domain.person(admin, "bob", role: role)
        let before = try await domain.actions().count
        let refusals = [
            await domain.error { try await domain.people.add(other, username: "x", name: "X", role: "admin") },
            await domain.error { try await domain.people.update(other, id: other.userID, role: "admin") },
            await domain.error { try await domain.people.invite(other, id: admin.userID) },
        ]
        for refusal in refusals {
            #expect(refusal?.code == "not_permitted" && refusal?.status == 403 && refusal?.missing == "user.manage")
        }
        #expect(try await domain.actions().count == before)
    }

    @Test("colleagues see names and roles, and neither times nor disabled accounts")
    func colleagues() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "guest")
        let eve = try await domain.person(admin, "eve", role: "guest")
        _ = try await domain.people.update(admin, id: eve.userID, disabled: true)
        let seen = try await domain.people.users(bob)
        #expect(seen.map(\.username) == ["ada", "bob"])
        #expect(seen[0].lastSignInAt == nil && seen[0].createdAt == nil && seen[1].lastSignInAt != nil)
        let all = try await domain.people.users(admin)
        #expect(all.map(\.username) == ["ada", "bob", "eve"] && all[2].disabled)
    }

    @Test("disabling ends the sign-ins at once, even one that was asked for a moment ago, and tells the listeners")
    func disabling() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let told = Mutex<[Revocation]>([])
        domain.people.onRevoked { revocation in told.withLock { $0.append(revocation) } }
        _ = try await domain.person(admin, "bob", role: "devops")
        let signIn = try await domain.signIn("bob")
        _ = try await domain.caller(signIn)
        _ = try await domain.people.update(admin, id: signIn.user.id, disabled: true)
        #expect(told.withLock { $0 } == [.user(id: signIn.user.id)])
        #expect(await domain.code { try await domain.caller(signIn) } == "not_signed_in")
        #expect(
            await domain.code { try await domain.people.refresh(signIn.refreshToken, address: "") } == "session_expired"
        )
        _ = try await domain.people.update(admin, id: signIn.user.id, disabled: false)
        #expect(await domain.code { try await domain.caller(signIn) } == "not_signed_in")
        #expect(try await domain.actions().filter { $0 == "user.update" }.count == 2)
    }

    @Test("a sign-in that another process ended is noticed after a second")
    func otherProcess() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let clock = domain.clock
        let elsewhere = try People(store: domain.store, audit: domain.audit, vault: domain.vault, clock: { clock.now })
        let signIn = try await domain.signIn("ada")
        _ = try await domain.caller(signIn)
        try await elsewhere.signOutEverywhere(admin)
        domain.clock.advance(.seconds(1))
        #expect(await domain.code { try await domain.caller(signIn) } == "not_signed_in")
    }

    @Test("a changed role counts for the next request and is told")
    func roleChange() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let told = Mutex<[Revocation]>([])
        domain.people.onRevoked { revocation in told.withLock { $0.append(revocation) } }
        let bob = try await domain.person(admin, "bob", role: "devops")
        _ = try await domain.people.update(admin, id: bob.userID, role: "guest")
        let again = try await domain.people.caller(userID: bob.userID, signInID: bob.signInID, address: "10.1.1.1")
        #expect(again.role == "guest" && again.address == "10.1.1.1")
        #expect(told.withLock { $0 } == [.roleChanged(userID: bob.userID)])
    }

    @Test("the last admin stays")
    func lastAdmin() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        _ = try await domain.people.add(admin, username: "new", name: "New", role: "admin")
        let demoted = await domain.error { try await domain.people.update(admin, id: admin.userID, role: "guest") }
        #expect(demoted?.code == "last_admin" && demoted?.status == 409)
        #expect(
            await domain.code { try await domain.people.update(admin, id: admin.userID, disabled: true) }
                == "last_admin")
        _ = try await domain.caller(domain.signIn("ada"))
        let bob = try await domain.person(admin, "bob", role: "admin")
        _ = try await domain.people.update(bob, id: admin.userID, disabled: true)
        #expect(
            await domain.code { try await domain.people.update(bob, id: bob.userID, disabled: true) } == "last_admin")
    }

    @Test("two admins who remove each other at the same moment leave one")
    func lastAdminRace() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let bob = try await domain.person(ada, "bob", role: "admin")
        async let one = domain.code { try await domain.people.update(ada, id: bob.userID, role: "guest") }
        async let two = domain.code { try await domain.people.update(bob, id: ada.userID, role: "guest") }
        #expect(await [one, two].compactMap { $0 } == ["last_admin"])
    }

    @Test("user names are unique whatever their case")
    func uniqueNames() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let error = await domain.error { try await domain.people.add(admin, username: "ADA", name: "A", role: "guest") }
        #expect(error?.code == "username_taken" && error?.status == 409)
    }

    @Test(
        "what cannot be a user name, a name or a role is refused with its field",
        arguments: [
            ("", "X", "guest", "username"), ("-a", "X", "guest", "username"), ("a b", "X", "guest", "username"),
            ("ä", "X", "guest", "username"), (String(repeating: "a", count: 33), "X", "guest", "username"),
            ("a", "", "guest", "name"), ("a", "a\u{1B}[31mb", "guest", "name"), ("a", "a\u{202E}b", "guest", "name"),
            ("a", String(repeating: "x", count: 81), "guest", "name"), ("a", "X", "root", "role"),
        ])
    func invalid(username: String, name: String, role: String, field: String) async throws {
        let domain = try await DomainFixture()
        let admin = Caller.commandLine(tenant: "t1", account: "root")
        let error = await domain.error {
            try await domain.people.add(admin, username: username, name: name, role: role)
        }
        #expect(error?.code == "invalid" && error?.status == 422 && error?.field == field)
    }

    @Test("people of one tenant are unknown in another")
    func tenants() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let other = try People(
            store: domain.store, audit: .init(store: domain.store, tenant: "t2"), vault: domain.vault)
        let shell = Caller.commandLine(tenant: "t2", account: "root")
        #expect(try await other.users(shell).isEmpty)
        #expect(await domain.code { try await other.update(shell, id: admin.userID, disabled: true) } == "not_found")
        #expect(await domain.code { try await other.user(id: admin.userID) } == "not_found")
    }
}
