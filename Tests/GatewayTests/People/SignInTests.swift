import Audit
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite struct SignInTests {
    @Test("a right password signs in, whatever the case of the user name, and is in the audit log")
    func signIn() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let signIn = try await domain.signIn("ADA")
        #expect(signIn.user.id == admin.userID)
        #expect(signIn.user.lastSignInAt == domain.clock.now)
        #expect(signIn.refreshExpires == domain.clock.now + .seconds(12 * 3600))
        #expect(try await domain.caller(signIn).role == "admin")
        #expect(try await domain.actions() == ["user.first_admin", "user.sign_in"])
    }

    @Test("a wrong password, an unknown, a disabled and an invited user get the same answer")
    func sameAnswer() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "devops")
        _ = try await domain.people.update(admin, id: bob.userID, disabled: true)
        _ = try await domain.people.add(admin, username: "eve", name: "Eve", role: "guest")
        var errors: Set<GatewayError> = []
        for username in ["ada", "nobody", "bob", "eve"] {
            let password = username == "ada" ? "wrong password" : DomainFixture.password
            errors.insert(try #require(await domain.error { try await domain.signIn(username, password) }))
        }
        #expect(errors.count == 1)
        #expect(errors.first?.code == "wrong_credentials" && errors.first?.status == 401)
    }

    @Test("an unknown user is not answered faster than a known one")
    func sameCost() async throws {
        let passwords = try PasswordHash()
        let stored = try await passwords.hash(PasswordRule.bytes(of: "right"))
        func time(_ stored: String?) async throws -> Duration {
            let start = ContinuousClock.now
            #expect(try await !passwords.verify(PasswordRule.bytes(of: "wrong"), against: stored))
            return ContinuousClock.now - start
        }
        // The fastest of several, in turns: other work on the machine can only make one slower.
        var (unknown, known) = (Duration.seconds(60), Duration.seconds(60))
        for _ in 0..<8 {
            unknown = min(unknown, try await time(nil))
            known = min(known, try await time(stored))
        }
        #expect(unknown / known > 0.3)
    }

    @Test("the name that was typed is not in the audit log when it is unknown: it may be a password")
    func unknownNameNotRecorded() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        _ = await domain.code { try await domain.signIn("hunter2hunter2", "x") }
        let entry = try #require(try await domain.audit.entries(limit: 1).first)
        #expect(entry.event.outcome == .refused && entry.event.action == "user.sign_in")
        #expect(try await domain.audit.entries(limit: 10, filter: .init(text: "hunter2")).isEmpty)
    }

    @Test("after five attempts an account has to wait, longer each time, and says how long")
    func throttledByAccount() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        for number in 0..<5 {
            #expect(
                await domain.code { try await domain.signIn("ada", "wrong", from: "10.0.0.\(number)") }
                    == "wrong_credentials")
        }
        let refused = await domain.error { try await domain.signIn("ada", from: "10.0.1.1") }
        #expect(refused?.code == "too_many_attempts" && refused?.status == 429 && refused?.retryAfter == 1)
        domain.clock.advance(.seconds(1))
        _ = try await domain.signIn("ada", from: "10.0.1.1")
    }

    @Test("the wait doubles up to a minute for an account and a quarter of an hour for an address")
    func backOff() {
        let clock = TestClock()
        func waits(_ name: (Int) -> String, _ address: (Int) -> String) -> [Int64] {
            let throttle = SignInThrottle()
            return (0..<40).compactMap { number in
                var waited: Int64?
                while let wait = throttle.admit(account: name(number), address: address(number), now: clock.now) {
                    waited = (waited ?? 0) + wait.components.seconds
                    clock.advance(wait)
                }
                return waited
            }
        }
        let account = waits({ _ in "ada" }, { "10.0.\($0).1" })
        #expect(account.prefix(8) == [1, 2, 4, 8, 16, 32, 60, 60])
        let address = waits({ "user\($0)" }, { _ in "10.0.0.1" })
        #expect(address.prefix(4) == [1, 2, 4, 8] && address.last == 900)
        #expect(address.count == 20)
    }

    @Test("a hundred attempts at once are counted before the first password is looked at")
    func parallelAttempts() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        let codes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<100 { group.addTask { await domain.code { try await domain.signIn("ada", "wrong") } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == "wrong_credentials" }.count == 5)
        #expect(codes.filter { $0 == "too_many_attempts" }.count == 95)
    }

    @Test("all addresses of one IPv6 network count as one")
    func ipv6Network() {
        #expect(SignInThrottle.network(of: "2001:db8:1:2::5") == SignInThrottle.network(of: "2001:db8:1:2:ffff::1"))
        #expect(SignInThrottle.network(of: "2001:db8:1:2::5") != SignInThrottle.network(of: "2001:db8:1:3::5"))
        #expect(SignInThrottle.network(of: "10.0.0.1") == "10.0.0.1")
    }

    @Test("passwords are stored as Argon2id with 19 MiB, two passes and one lane")
    func phcString() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        let row = try #require(try await domain.store.read { tx in try tx.row("SELECT password FROM person") })
        #expect(try row.text("password").hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
        #expect(!PasswordHash.isOutdated(try row.text("password")))
        #expect(PasswordHash.isOutdated("$argon2id$v=19$m=4096,t=3,p=1$c2FsdA$aGFzaA"))
    }

    @Test("composed and decomposed letters make the same password")
    func normalisation() async throws {
        let passwords = try PasswordHash()
        let stored = try await passwords.hash(PasswordRule.bytes(of: "Bl\u{E5}b\u{E6}rsyltetøy"))
        #expect(try await passwords.verify(PasswordRule.bytes(of: "Bla\u{30A}b\u{E6}rsyltetøy"), against: stored))
    }

    @Test("more waiting hashes than the limit are refused instead of queued without end")
    func boundedQueue() async throws {
        let passwords = try PasswordHash(concurrent: 1, waiting: 3)
        let codes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    do throws(GatewayError) {
                        _ = try await passwords.hash(PasswordRule.bytes(of: "x"))
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.contains("busy"))
        #expect(codes.filter { $0 == nil }.count >= 4)
    }
}

@Suite struct RefreshTests {
    @Test("each renewal gives another token, and the old one's successor within the grace is the same")
    func rotates() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        let first = try await domain.signIn("ada")
        let second = try await domain.people.refresh(first.refreshToken, address: "")
        #expect(second.refreshToken != first.refreshToken && second.signInID == first.signInID)
        #expect(second.refreshExpires == first.refreshExpires)
        domain.clock.advance(.seconds(10))
        #expect(try await domain.people.refresh(first.refreshToken, address: "").refreshToken == second.refreshToken)
        let third = try await domain.people.refresh(second.refreshToken, address: "")
        #expect(third.refreshToken != second.refreshToken)
    }

    @Test("two tabs that renew at the same moment both go on")
    func race() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        let first = try await domain.signIn("ada")
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask { try await domain.people.refresh(first.refreshToken, address: "").refreshToken }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens.count == 1)
    }

    @Test("a token used again after the grace ends the whole sign-in, tells the listeners, and is audited")
    func reuse() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        let told = Mutex<[Revocation]>([])
        domain.people.onRevoked { revocation in told.withLock { $0.append(revocation) } }
        let first = try await domain.signIn("ada")
        let second = try await domain.people.refresh(first.refreshToken, address: "")
        domain.clock.advance(.seconds(11))
        #expect(
            await domain.code { try await domain.people.refresh(first.refreshToken, address: "") } == "session_expired")
        #expect(
            await domain.code { try await domain.people.refresh(second.refreshToken, address: "") } == "session_expired"
        )
        #expect(await domain.code { try await domain.caller(second) } == "not_signed_in")
        #expect(told.withLock { $0 } == [.signIn(id: first.signInID, userID: first.user.id)])
        #expect(try await domain.actions().last == "user.refresh_reused")
    }

    @Test("twelve hours after the sign-in nothing renews it")
    func absoluteLifetime() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        var signIn = try await domain.signIn("ada")
        for _ in 0..<11 {
            domain.clock.advance(.seconds(3600))
            signIn = try await domain.people.refresh(signIn.refreshToken, address: "")
        }
        domain.clock.advance(.seconds(3600))
        #expect(
            await domain.code { try await domain.people.refresh(signIn.refreshToken, address: "") } == "session_expired"
        )
        #expect(await domain.code { try await domain.caller(signIn) } == "not_signed_in")
    }

    @Test("no token stands in the database")
    func hashedAtRest() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let (_, invitation) = try await domain.people.add(admin, username: "bob", name: "Bob", role: "guest")
        let signIn = try await domain.signIn("ada")
        let rows = try await domain.store.read { tx in
            try tx.rows("SELECT hash FROM refresh_token UNION ALL SELECT hash FROM link_token").map {
                try $0.bytes("hash")
            }
        }
        #expect(rows.contains(SecretToken.hash(signIn.refreshToken)))
        #expect(rows.contains(SecretToken.hash(try #require(invitation).token)))
        #expect(rows.allSatisfy { $0.count == 32 })
    }

    @Test("garbage is not a token")
    func garbage() async throws {
        let domain = try await DomainFixture()
        for token in ["", "x", String(repeating: "a", count: 100_000)] {
            #expect(await domain.code { try await domain.people.refresh(token, address: "") } == "session_expired")
        }
    }
}

@Suite struct SignOutTests {
    @Test("signing out ends that sign-in at once and leaves the others")
    func signOut() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        let (phone, desk) = (try await domain.signIn("ada"), try await domain.signIn("ada"))
        try await domain.people.signOut(domain.caller(phone))
        #expect(await domain.code { try await domain.caller(phone) } == "not_signed_in")
        #expect(
            await domain.code { try await domain.people.refresh(phone.refreshToken, address: "") } == "session_expired")
        _ = try await domain.caller(desk)
    }

    @Test("signing out everywhere ends all of them and says so")
    func signOutEverywhere() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let told = Mutex<[Revocation]>([])
        domain.people.onRevoked { revocation in told.withLock { $0.append(revocation) } }
        let desk = try await domain.signIn("ada")
        try await domain.people.signOutEverywhere(domain.caller(desk))
        #expect(await domain.code { try await domain.caller(desk) } == "not_signed_in")
        #expect(told.withLock { $0 } == [.user(id: admin.userID)])
    }

    @Test("a new password ends the other sign-ins and voids open links, and needs the old one")
    func changePassword() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let (phone, desk) = (try await domain.signIn("ada"), try await domain.signIn("ada"))
        let link = try await domain.people.invite(admin, id: admin.userID)
        let caller = try await domain.caller(desk)
        let wrong = await domain.code {
            try await domain.people.changePassword(caller, current: "wrong", new: "another good password")
        }
        #expect(wrong == "wrong_credentials")
        let short = await domain.error {
            try await domain.people.changePassword(caller, current: DomainFixture.password, new: "short")
        }
        #expect(short?.code == "invalid" && short?.field == "new")
        try await domain.people.changePassword(caller, current: DomainFixture.password, new: "another good password")
        _ = try await domain.caller(desk)
        #expect(await domain.code { try await domain.caller(phone) } == "not_signed_in")
        #expect(await domain.code { try await domain.people.checkToken(link.token) } == "link_void")
        #expect(await domain.code { try await domain.signIn("ada") } == "wrong_credentials")
        _ = try await domain.signIn("ada", "another good password")
    }

    @Test("a sign-in belongs to its own person, and to its own tenant")
    func otherPersonsSignIn() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "guest")
        let mixed = await domain.code {
            try await domain.people.caller(userID: admin.userID, signInID: bob.signInID, address: "")
        }
        #expect(mixed == "not_signed_in")
        let elsewhere = try People(
            store: domain.store, audit: AuditLog(store: domain.store, tenant: "t2"), vault: domain.vault)
        let foreign = await domain.code {
            try await elsewhere.caller(userID: bob.userID, signInID: bob.signInID, address: "")
        }
        #expect(foreign == "not_signed_in")
    }
}
