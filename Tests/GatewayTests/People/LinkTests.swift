import Storage
import Testing

@testable import Gateway

@Suite struct FirstAdminTests {
    @Test("a new gateway needs set-up, and its link makes an admin who is signed in")
    func firstAdmin() async throws {
        let domain = try await DomainFixture()
        #expect(try await domain.people.isSetupRequired())
        let token = try #require(try await domain.people.firstAdminToken())
        let info = try await domain.people.checkToken(token)
        #expect(info.kind == .firstAdmin && info.username == nil)
        #expect(info.expiresAt == domain.clock.now + .seconds(15 * 60))
        let signIn = try await domain.people.redeem(
            token: token, username: "Ada", name: "Ada", password: DomainFixture.password, address: "127.0.0.1")
        #expect(signIn.user.role == "admin" && signIn.user.username == "ada")
        #expect(try await !domain.people.isSetupRequired())
        #expect(try await domain.people.firstAdminToken() == nil)
    }

    private func code(_ domain: DomainFixture, _ token: String) async -> String? {
        await domain.code {
            try await domain.people.redeem(
                token: token, username: "eve", name: "Eve", password: DomainFixture.password, address: "")
        }
    }

    @Test("the link works once")
    func once() async throws {
        let domain = try await DomainFixture()
        let token = try #require(try await domain.people.firstAdminToken())
        _ = try await domain.people.redeem(
            token: token, username: "ada", name: "Ada", password: DomainFixture.password, address: "")
        #expect(await code(domain, token) == "link_used")
        #expect(await domain.error { try await domain.people.checkToken(token) }?.status == 410)
    }

    @Test("of many who use it at the same moment one wins")
    func race() async throws {
        let domain = try await DomainFixture()
        let token = try #require(try await domain.people.firstAdminToken())
        let codes = await withTaskGroup(of: String?.self) { group in
            for number in 0..<6 {
                group.addTask {
                    await domain.code {
                        try await domain.people.redeem(
                            token: token, username: "user\(number)", name: "N", password: DomainFixture.password,
                            address: "")
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == nil }.count == 1)
        let admin = Caller.commandLine(tenant: "t1", account: "root")
        #expect(try await domain.people.users(admin).count == 1)
    }

    @Test("after 15 minutes the link has expired")
    func expires() async throws {
        let domain = try await DomainFixture()
        let token = try #require(try await domain.people.firstAdminToken())
        domain.clock.advance(.seconds(15 * 60))
        #expect(await code(domain, token) == "link_expired")
    }

    @Test("a newer link voids the older one, and an admin from elsewhere voids both")
    func void() async throws {
        let domain = try await DomainFixture()
        let first = try #require(try await domain.people.firstAdminToken())
        let second = try #require(try await domain.people.firstAdminToken())
        #expect(await code(domain, first) == "link_void")
        let shell = Caller.commandLine(tenant: "t1", account: "root")
        _ = try await domain.people.add(
            shell, username: "ada", name: "Ada", role: "admin", password: DomainFixture.password)
        #expect(await code(domain, second) == "link_void")
        #expect(await code(domain, "nonsense") == "link_void")
    }

    @Test("an invited admin who has no password yet does not end the set-up")
    func invitedAdmin() async throws {
        let domain = try await DomainFixture()
        let shell = Caller.commandLine(tenant: "t1", account: "root")
        _ = try await domain.people.add(shell, username: "ada", name: "Ada", role: "admin")
        #expect(try await domain.people.isSetupRequired())
        #expect(try await domain.people.firstAdminToken() != nil)
    }

    @Test("a refused password leaves the link usable")
    func badPassword() async throws {
        let domain = try await DomainFixture()
        let token = try #require(try await domain.people.firstAdminToken())
        for password in ["short", "aaaaaaaaaaaaaaaa", "ada-ada-ada-ada", String(repeating: "long ", count: 1000)] {
            let error = await domain.error {
                try await domain.people.redeem(
                    token: token, username: "ada", name: "Ada", password: password, address: "")
            }
            #expect(error?.code == "invalid" && error?.field == "password", "\(password.prefix(20))")
        }
        _ = try await domain.people.checkToken(token)
    }
}

@Suite struct InvitationTests {
    @Test("an invited person chooses a password under the name that was fixed")
    func invitation() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let (user, invitation) = try await domain.people.add(admin, username: "Bob", name: "Bob B.", role: "devops")
        let link = try #require(invitation)
        #expect(link.expiresAt == domain.clock.now + .seconds(24 * 3600))
        let info = try await domain.people.checkToken(link.token)
        #expect(info.kind == .invitation && info.username == "bob" && info.name == "Bob B.")
        let signIn = try await domain.people.redeem(
            token: link.token, username: "ada", name: "Robert", password: DomainFixture.password, address: "")
        #expect(signIn.user.id == user.id && signIn.user.username == "bob")
        #expect(signIn.user.name == "Robert" && signIn.user.role == "devops")
        #expect(await domain.code { try await domain.people.checkToken(link.token) } == "link_used")
        _ = try await domain.signIn("bob")
    }

    @Test("a new link voids the older one; a day later it has expired; a disabled person's is void")
    func ends() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let (user, first) = try await domain.people.add(admin, username: "bob", name: "Bob", role: "guest")
        let second = try await domain.people.invite(admin, id: user.id)
        #expect(await domain.code { try await domain.people.checkToken(first?.token ?? "") } == "link_void")
        domain.clock.advance(.seconds(24 * 3600))
        #expect(await domain.code { try await domain.people.checkToken(second.token) } == "link_expired")
        let third = try await domain.people.invite(admin, id: user.id)
        _ = try await domain.people.update(admin, id: user.id, disabled: true)
        #expect(await domain.code { try await domain.people.checkToken(third.token) } == "link_void")
        #expect(await domain.code { try await domain.people.invite(admin, id: user.id) } == "user_disabled")
        _ = try await domain.people.update(admin, id: user.id, disabled: false)
        #expect(await domain.code { try await domain.people.checkToken(third.token) } == "link_void")
    }

    @Test("a link for a person who has a password sets a new one and ends the old sign-ins")
    func reset() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "guest")
        let link = try await domain.people.invite(admin, id: bob.userID)
        let ended = await domain.code {
            try await domain.people.caller(userID: bob.userID, signInID: bob.signInID, address: "")
        }
        #expect(ended == "not_signed_in", "whoever still has an old device is out at once")
        _ = try await domain.people.redeem(
            token: link.token, username: "", name: "", password: "quite another password", address: "")
        let old = await domain.code {
            try await domain.people.caller(userID: bob.userID, signInID: bob.signInID, address: "")
        }
        #expect(old == "not_signed_in")
        _ = try await domain.signIn("bob", "quite another password")
    }
}
