import Audit
import Storage
import Testing

@testable import Gateway

/// Somebody with an authenticator app.
private struct Owner {
    let domain: DomainFixture
    let caller: Caller
    let app: OneTimeCode
    let recoveryCodes: [String]

    init() async throws {
        domain = try await DomainFixture()
        caller = try await domain.firstAdmin()
        let offer = try await domain.people.offerSecondFactor(caller, password: DomainFixture.password)
        app = OneTimeCode(secret: Self.bytes(ofBase32: offer.secret))
        recoveryCodes = try await domain.people.confirmSecondFactor(caller, code: Self.code(app, domain))
        domain.clock.advance(.seconds(60))
    }

    static func bytes(ofBase32 text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let bits = text.flatMap { letter in
            let value = alphabet.firstIndex(of: letter) ?? 0
            return (0..<5).map { value >> (4 - $0) & 1 }
        }
        return stride(from: 0, to: bits.count - 7, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | UInt8($1) }
        }
    }

    static func code(_ app: OneTimeCode, _ domain: DomainFixture) -> String {
        app.code(step: OneTimeCode.step(at: domain.clock.now.microseconds / 1_000_000))
    }

    var code: String { Self.code(app, domain) }

    /// The code of the sign-in's error, or nil when it let the person in.
    func signIn(_ code: String?, password: String = DomainFixture.password) async -> String? {
        await domain.code {
            try await domain.people.signIn(
                username: "ada", password: password, code: code, address: "127.0.0.1", device: "test")
        }
    }
}

@Suite("The second factor")
struct SecondFactorTests {
    @Test("a password is not enough any more, and with the app's code it is; the same code comes in once")
    func signIn() async throws {
        let owner = try await Owner()
        #expect(await owner.signIn(nil) == "second_factor_required")
        #expect(await owner.signIn("") == "second_factor_required")
        #expect(await owner.signIn("000000") == "wrong_code")
        #expect(await owner.signIn(owner.code) == nil)
        #expect(await owner.signIn(owner.code) == "wrong_code")
        owner.domain.clock.advance(.seconds(30))
        let spaced = "\(owner.code.prefix(3)) \(owner.code.suffix(3))"
        #expect(await owner.signIn(spaced) == nil)
    }

    @Test("of many who come with the same code at once, one gets in")
    func race() async throws {
        let owner = try await Owner()
        let code = owner.code
        let entered = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { await owner.signIn(code) == nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(entered == 1)
    }

    @Test("whoever doesn't know the password learns nothing: not of a code, and not of an account")
    func enumeration() async throws {
        let owner = try await Owner()
        _ = try await owner.domain.person(owner.caller, "bob", role: "guest")
        let people = owner.domain.people
        let errors = [("ada", owner.code as String?), ("ada", nil), ("bob", nil), ("nobody", "123456")]
        var answers: Set<GatewayError?> = []
        for (name, code) in errors {
            answers.insert(
                await owner.domain.error {
                    try await people.signIn(
                        username: name, password: "a wrong password", code: code, address: "10.0.0.9", device: "test")
                })
        }
        #expect(answers.count == 1 && answers.first??.code == "wrong_credentials")
    }

    @Test("guessing codes waits longer and longer, up to an hour, and knowing the password doesn't help")
    func guessing() async throws {
        let owner = try await Owner()
        var tries = 0
        let end = owner.domain.clock.now + .seconds(24 * 60 * 60)
        while owner.domain.clock.now < end {
            let refusal = await owner.domain.error {
                try await owner.domain.people.signIn(
                    username: "ada", password: DomainFixture.password, code: "000000", address: "10.0.0.9",
                    device: "test")
            }
            if refusal?.code == "wrong_code" { tries += 1 }
            owner.domain.clock.advance(.seconds(refusal?.retryAfter ?? 1))
        }
        // Three in a million are right at a time.
        #expect(tries < 45)
        #expect(
            try await owner.domain.audit.entries(limit: 1000).contains {
                $0.event.details["reason"] == "wrong second factor"
            })
    }

    @Test("a recovery code lets in once, however it is written, and new ones void the old")
    func recovery() async throws {
        let owner = try await Owner()
        let people = owner.domain.people
        #expect(owner.recoveryCodes.count == 10 && Set(owner.recoveryCodes).count == 10)
        #expect(await owner.signIn(owner.recoveryCodes[0].lowercased()) == nil)
        #expect(await owner.signIn(owner.recoveryCodes[0]) == "wrong_code")
        #expect(try await people.secondFactor(owner.caller).recoveryCodesLeft == 9)
        let new = try await people.renewRecoveryCodes(
            owner.caller, password: DomainFixture.password, code: owner.recoveryCodes[1])
        #expect(await owner.signIn(owner.recoveryCodes[2]) == "wrong_code")
        #expect(await owner.signIn(new[2].replacing("-", with: "")) == nil)
    }

    @Test("neither the secret nor a recovery code stands in the database or the log")
    func atRest() async throws {
        let owner = try await Owner()
        let rows = try await owner.domain.store.read { tx in
            try tx.rows("SELECT secret FROM person_totp").map { try $0.bytes("secret") }
                + tx.rows("SELECT hash FROM person_recovery").map { try $0.bytes("hash") }
        }
        let entries = try await owner.domain.audit.entries(limit: 1000).map { "\($0)" }.joined()
        for code in owner.recoveryCodes {
            #expect(!rows.contains(Array(code.utf8)) && !entries.contains(code))
        }
        #expect(rows.count == 11)
    }

    @Test("it takes the password to begin, a code to turn it on, and both to turn it off")
    func changes() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let people = domain.people
        #expect(await domain.code { try await people.offerSecondFactor(ada, password: "no") } == "wrong_credentials")
        #expect(
            await domain.code { try await people.confirmSecondFactor(ada, code: "1") } == "second_factor_not_offered")
        let first = try await people.offerSecondFactor(ada, password: DomainFixture.password)
        let offer = try await people.offerSecondFactor(ada, password: DomainFixture.password)
        let old = OneTimeCode(secret: Owner.bytes(ofBase32: first.secret))
        let app = OneTimeCode(secret: Owner.bytes(ofBase32: offer.secret))
        #expect(
            await domain.code { try await people.confirmSecondFactor(ada, code: Owner.code(old, domain)) }
                == "wrong_code")
        #expect(try await people.secondFactor(ada).since == nil)
        _ = try await people.confirmSecondFactor(ada, code: Owner.code(app, domain))
        #expect(
            await domain.code { try await people.offerSecondFactor(ada, password: DomainFixture.password) }
                == "second_factor_on")
        domain.clock.advance(.seconds(30))
        for (password, code, refusal) in [
            ("no", Owner.code(app, domain), "wrong_credentials"), (DomainFixture.password, "", "wrong_code"),
        ] {
            #expect(
                await domain.code { try await people.removeSecondFactor(ada, password: password, code: code) }
                    == refusal)
        }
        try await people.removeSecondFactor(ada, password: DomainFixture.password, code: Owner.code(app, domain))
        _ = try await domain.signIn("ada")
        #expect(
            try await domain.actions().filter { $0.hasPrefix("user.second") } == [
                "user.second_factor_on", "user.second_factor_off",
            ])
    }

    @Test("an offer that nobody confirmed within a quarter of an hour is none")
    func lateConfirmation() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let offer = try await domain.people.offerSecondFactor(ada, password: DomainFixture.password)
        domain.clock.advance(.seconds(16 * 60))
        let code = Owner.code(OneTimeCode(secret: Owner.bytes(ofBase32: offer.secret)), domain)
        #expect(
            await domain.code { try await domain.people.confirmSecondFactor(ada, code: code) }
                == "second_factor_not_offered")
    }

    @Test("a link that sets a new password does not get past it")
    func link() async throws {
        let owner = try await Owner()
        let people = owner.domain.people
        let token = try await people.invite(owner.caller, id: owner.caller.userID).token
        func redeem(_ code: String?) async -> String? {
            await owner.domain.code {
                try await people.redeem(
                    token: token, username: "ada", name: "Ada", password: "another good password", code: code,
                    address: "127.0.0.1")
            }
        }
        #expect(await redeem(nil) == "second_factor_required")
        #expect(await redeem("000000") == "wrong_code")
        #expect(await redeem(owner.code) == nil)
    }

    @Test("who manages people can take it away, which ends that person's sign-ins; others can't")
    func management() async throws {
        let owner = try await Owner()
        let people = owner.domain.people
        let bob = try await owner.domain.person(owner.caller, "bob", role: "devops")
        #expect(
            await owner.domain.code { try await people.removeSecondFactor(bob, username: "ada") } == "not_permitted")
        #expect(await owner.domain.code { try await people.offerSecondFactor(bob, username: "ada") } == "not_permitted")
        let offer = try await people.offerSecondFactor(owner.caller, username: "bob")
        let app = OneTimeCode(secret: Owner.bytes(ofBase32: offer.secret))
        _ = try await people.confirmSecondFactor(owner.caller, username: "bob", code: Owner.code(app, owner.domain))
        try await people.removeSecondFactor(owner.caller, username: "bob")
        #expect(
            await owner.domain.code {
                try await people.caller(userID: bob.userID, signInID: bob.signInID, address: "")
            } == "not_signed_in")
        #expect(
            await owner.domain.code { try await people.removeSecondFactor(owner.caller, username: "bob") }
                == "second_factor_off")
        #expect(try await people.secondFactors(owner.caller)["bob"]?.since == nil)
    }
}
