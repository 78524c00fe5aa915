import Audit
import Storage
import Vault

extension People {
    /// The longest time that a sign-in lives, however often it is renewed.
    static let absoluteLifetime: Duration = .seconds(12 * 60 * 60)
    /// Two tabs may renew at the same time with the same token: so long the old one gives the same successor.
    static let reuseGrace: Duration = .seconds(10)

    /// Proves a person by password, and by a code where the person has a second factor.
    ///
    /// - Throws: 401 `wrong_credentials` (the same for an unknown user, at the same cost), `second_factor_required` and
    ///   `wrong_code` to whoever knows the password; 429 `too_many_attempts`.
    public func signIn(
        username: String, password: String, code: String? = nil, address: String, device: String
    ) async throws(GatewayError) -> SignIn {
        let username = String(username.lowercased().prefix(64))
        let person = try await proven(username: username, password: password, address: address)
        let proof = try await proof(of: person, code: code, address: address)
        let outcome: Entry = try await GatewayError.mapping {
            let upgraded = try await upgradedHash(person, password)
            return try await store.transaction { [self] tx in
                // Somebody may have disabled the account while the hash was computed.
                guard let now = try PersonRow.find(id: person.user.id, tenant: tenant, in: tx), !now.user.disabled
                else { return .refused }
                guard try spend(proof, of: now.user.id, in: tx) else { return .codeSpent }
                if let upgraded, now.password == person.password {
                    try tx.execute(
                        "UPDATE person SET password = \(upgraded) WHERE tenant = \(tenant) AND id = \(now.user.id)")
                }
                return .entered(try start(now, address: address, device: device, action: "user.sign_in", in: tx))
            }
        }
        switch outcome {
        case .refused: throw Self.wrongCredentials
        case .codeSpent:
            if case .notAsked = proof { throw .secondFactorRequired }
            try await recordWrongCode(person, address: address)
            throw .wrongCode
        case .entered(let signIn):
            throttle.succeeded(account: username, address: address)
            throttle.codeSucceeded(account: username)
            return signIn
        }
    }

    private enum Entry: Sendable {
        case entered(SignIn)
        case refused
        case codeSpent
    }

    /// A password that is right and waits for its code is no failed attempt.
    private func proof(
        of person: PersonRow, code: String?, address: String
    ) async throws(GatewayError) -> SecondProof {
        do throws(GatewayError) {
            return try await secondProof(of: person, code: code, address: address)
        } catch {
            if error.code == GatewayError.secondFactorRequired.code {
                throttle.succeeded(account: person.user.username, address: address)
            }
            throw error
        }
    }

    /// Asks the caller for the password once more, before something that a borrowed browser must not do.
    @discardableResult
    func confirmPassword(_ caller: Caller, _ password: String) async throws(GatewayError) -> PersonRow {
        let person = try await proven(username: caller.username, password: password, address: caller.address)
        throttle.succeeded(account: caller.username, address: caller.address)
        return person
    }

    private static let wrongCredentials = GatewayError(
        "wrong_credentials", status: 401, "The user name or the password is wrong.",
        hint: "Check both; an admin can send you a new link.")

    private func proven(
        username: String, password: String, address: String
    ) async throws(GatewayError) -> PersonRow {
        if let wait = throttle.admit(account: username, address: address, now: clock()) {
            throw .tooManyAttempts("There were too many attempts to sign in.", wait: wait)
        }
        let person = try await GatewayError.mapping {
            try await store.read { [tenant] tx in try PersonRow.find(username: username, tenant: tenant, in: tx) }
        }
        let stored = person?.user.disabled == false ? person?.password : nil
        guard try await passwords.verify(PasswordRule.bytes(of: password), against: stored), let person else {
            try await recordFailure(person, address: address)
            throw Self.wrongCredentials
        }
        return person
    }

    /// An unknown name is not written down: people type their password into the wrong field.
    private func recordFailure(_ person: PersonRow?, address: String) async throws(GatewayError) {
        let actor = AuditActor(
            kind: .user, id: person?.user.id ?? "unknown", name: person?.user.name ?? "unknown", address: address)
        let event = AuditEvent(
            actor: actor, action: "user.sign_in", object: person?.auditObject, outcome: .refused,
            details: ["reason": person == nil ? "unknown user name" : "wrong password or disabled account"])
        try await GatewayError.mapping { try await audit.append(event) }
    }

    private func upgradedHash(_ person: PersonRow, _ password: String) async throws(GatewayError) -> String? {
        guard let stored = person.password, PasswordHash.isOutdated(stored) else { return nil }
        return try await passwords.hash(PasswordRule.bytes(of: password))
    }

    /// Begins a sign-in within the transaction that proved the person.
    func start(
        _ person: PersonRow, address: String, device: String, action: String, details: [String: String] = [:],
        in tx: borrowing StoreTransaction
    ) throws -> SignIn {
        let now = clock()
        let id = Identifier.make("sin")
        let token = SecretToken()
        let expires = now + Self.absoluteLifetime
        try tx.execute(
            "DELETE FROM sign_in WHERE tenant = \(tenant) AND person = \(person.user.id) AND expires < \(now)")
        try tx.execute(
            """
            INSERT INTO sign_in (tenant, id, person, created, expires, device, address, successor_key)
            VALUES (\(tenant), \(id), \(person.user.id), \(now), \(expires), \(String(device.prefix(200))), \(address),
                \(SecretToken.randomBytes(32)))
            """)
        try insertRefreshToken(token, signIn: id, now: now, in: tx)
        try tx.execute(
            "UPDATE person SET last_sign_in = \(now) WHERE tenant = \(tenant) AND id = \(person.user.id)")
        let actor = AuditActor(kind: .user, id: person.user.id, name: person.user.name, address: address)
        try audit.append(
            AuditEvent(actor: actor, action: action, object: person.auditObject, details: details), in: tx)
        let user = try PersonRow.find(id: person.user.id, tenant: tenant, in: tx)?.user ?? person.user
        return SignIn(user: user, signInID: id, refreshToken: token.text, refreshExpires: expires)
    }

    private func insertRefreshToken(
        _ token: SecretToken, signIn: String, now: Timestamp, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            INSERT INTO refresh_token (tenant, hash, sign_in, created)
            VALUES (\(tenant), \(token.hash), \(signIn), \(now)) ON CONFLICT (tenant, hash) DO NOTHING
            """)
    }
}

// MARK: - Renewal

extension People {
    private enum Renewal: Sendable {
        case renewed(SignIn)
        case ended
        /// Somebody used a token that had its successor long ago: one of the two is a thief.
        case stolen(signInID: String, userID: String)
    }

    /// Gives a new refresh token for an old one, which is good for one use. An old one that comes again after the grace
    /// of ten seconds ends the whole sign-in; within the grace it gives the same successor.
    ///
    /// - Throws: 401 `session_expired`.
    public func refresh(_ refreshToken: String, address: String) async throws(GatewayError) -> SignIn {
        let hash = SecretToken.hash(refreshToken)
        let renewal = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try renew(refreshToken, hash: hash, address: address, in: tx)
            }
        }
        switch renewal {
        case .renewed(let signIn):
            return signIn
        case .stolen(let signInID, let userID):
            announce([.signIn(id: signInID, userID: userID)])
        case .ended:
            break
        }
        throw GatewayError("session_expired", status: 401, "Your sign-in has ended.", hint: "Sign in again.")
    }

    private func renew(
        _ token: String, hash: [UInt8], address: String, in tx: borrowing StoreTransaction
    ) throws -> Renewal {
        let now = clock()
        let row = try tx.row(
            """
            SELECT refresh_token.used, sign_in.id AS sign_in, sign_in.person, sign_in.expires, sign_in.successor_key
            FROM refresh_token
            JOIN sign_in ON sign_in.tenant = refresh_token.tenant AND sign_in.id = refresh_token.sign_in
            WHERE refresh_token.tenant = \(tenant) AND refresh_token.hash = \(hash)
                AND sign_in.ended IS NULL AND sign_in.expires > \(now)
            """)
        guard let row, let person = try PersonRow.find(id: try row.text("person"), tenant: tenant, in: tx),
            !person.user.disabled
        else { return .ended }
        let signInID = try row.text("sign_in")
        if let used = try row.optionalTime("used"), now - used > Self.reuseGrace {
            try end(signInID, because: "refresh token used twice", in: tx)
            let actor = AuditActor(kind: .user, id: person.user.id, name: person.user.name, address: address)
            try audit.append(
                AuditEvent(
                    actor: actor, action: "user.refresh_reused", object: person.auditObject, outcome: .refused,
                    details: ["signIn": signInID]),
                in: tx)
            return .stolen(signInID: signInID, userID: person.user.id)
        }
        let next = SecretToken(following: token, key: try row.bytes("successor_key"))
        try tx.execute(
            """
            UPDATE refresh_token SET used = \(now) WHERE tenant = \(tenant) AND hash = \(hash) AND used IS NULL
            """)
        try insertRefreshToken(next, signIn: signInID, now: now, in: tx)
        return .renewed(
            SignIn(
                user: person.user, signInID: signInID, refreshToken: next.text, refreshExpires: try row.time("expires"))
        )
    }

    func end(_ signInID: String, because reason: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            UPDATE sign_in SET ended = \(clock()), ending = \(reason)
            WHERE tenant = \(tenant) AND id = \(signInID) AND ended IS NULL
            """)
    }

    /// Ends all sign-ins of a person but one.
    func endAll(
        of userID: String, except kept: String = "", because reason: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> [Revocation] {
        let rows = try tx.rows(
            """
            UPDATE sign_in SET ended = \(clock()), ending = \(reason)
            WHERE tenant = \(tenant) AND person = \(userID) AND id <> \(kept) AND ended IS NULL RETURNING id
            """)
        return try rows.map { row throws(StorageError) in .signIn(id: try row.text("id"), userID: userID) }
    }
}

// MARK: - Sign-out

extension People {
    /// Ends the caller's own sign-in.
    public func signOut(_ caller: Caller) async throws(GatewayError) {
        try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try end(caller.signInID, because: "signed out", in: tx)
                try audit.append(AuditEvent(actor: caller.auditActor, action: "user.sign_out"), in: tx)
            }
        }
        announce([.signIn(id: caller.signInID, userID: caller.userID)])
    }

    /// Ends all sign-ins of the caller, on every device.
    public func signOutEverywhere(_ caller: Caller) async throws(GatewayError) {
        try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                _ = try endAll(of: caller.userID, because: "signed out everywhere", in: tx)
                try audit.append(AuditEvent(actor: caller.auditActor, action: "user.sign_out_everywhere"), in: tx)
            }
        }
        announce([.user(id: caller.userID)])
    }

    /// Changes the caller's own password and ends all other sign-ins.
    ///
    /// - Throws: 401 `wrong_credentials` when `current` is wrong, 422 `invalid`, 429 `too_many_attempts`.
    public func changePassword(_ caller: Caller, current: String, new: String) async throws(GatewayError) {
        let secret = try PasswordRule.checked(new, username: caller.username, field: "new")
        try await confirmPassword(caller, current)
        let hash = try await passwords.hash(secret)
        let ended = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try tx.execute(
                    "UPDATE person SET password = \(hash) WHERE tenant = \(tenant) AND id = \(caller.userID)")
                try voidLinks(of: caller.userID, in: tx)
                try audit.append(AuditEvent(actor: caller.auditActor, action: "user.password"), in: tx)
                return try endAll(
                    of: caller.userID, except: caller.signInID, because: "password changed", in: tx)
            }
        }
        announce(ended)
    }
}
