import Audit
import Policy
import Storage
import Vault

/// What proves a person beside the password, still to be spent: a code is good once.
enum SecondProof: Sendable {
    case notAsked
    case step(Int64)
    case recovery([UInt8])
}

extension People {
    /// So long somebody may take to type the first code.
    private static let offerLifetime: Duration = .seconds(15 * 60)

    private func place(_ person: String) -> RecordIdentity {
        RecordIdentity(tenant: tenant, table: "person_totp", row: person, column: "secret")
    }

    // MARK: Signing in

    /// Looks at the code of somebody whose password is right.
    ///
    /// - Throws: 401 `second_factor_required`, `wrong_code`; 429 `too_many_attempts`.
    func secondProof(of person: PersonRow, code: String?, address: String) async throws(GatewayError) -> SecondProof {
        let row = try await secondFactorRow(person.user.id)
        guard let row, row.isConfirmed else { return .notAsked }
        guard let code, !code.isEmpty else { throw .secondFactorRequired }
        if let wait = throttle.admitCode(account: person.user.username, now: clock()) {
            throw .tooManyAttempts("There were too many wrong codes.", wait: wait)
        }
        switch TypedCode(code) {
        case .recovery(let hash): return .recovery(hash)
        case .oneTime(let digits):
            guard let step = try await step(of: digits, row, person.user.id) else {
                try await recordWrongCode(person, address: address)
                throw .wrongCode
            }
            return .step(step)
        }
    }

    /// Uses a proof up, in the transaction that lets the person in. false when somebody was faster, or it is no proof.
    func spend(
        _ proof: SecondProof, of person: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> Bool {
        switch proof {
        case .notAsked:
            // Somebody may have turned it on while the password was looked at.
            return try SecondFactorRow.find(person: person, tenant: tenant, in: tx)?.isConfirmed != true
        case .step(let step):
            return try tx.row(
                """
                UPDATE person_totp SET last_step = \(step)
                WHERE tenant = \(tenant) AND person = \(person) AND confirmed AND last_step < \(step) RETURNING person
                """) != nil
        case .recovery(let hash):
            return try tx.row(
                """
                UPDATE person_recovery SET used = \(clock())
                WHERE tenant = \(tenant) AND person = \(person) AND hash = \(hash) AND used IS NULL RETURNING person
                """) != nil
        }
    }

    /// A code that turned out to be none. Whoever gets here knows the password: it is worth a line in the log.
    func recordWrongCode(_ person: PersonRow, address: String) async throws(GatewayError) {
        let actor = AuditActor(kind: .user, id: person.user.id, name: person.user.name, address: address)
        let event = AuditEvent(
            actor: actor, action: "user.sign_in", object: person.auditObject, outcome: .refused,
            details: ["reason": "wrong second factor"])
        try await GatewayError.mapping { try await audit.append(event) }
    }

    private func secondFactorRow(_ person: String) async throws(GatewayError) -> SecondFactorRow? {
        try await GatewayError.mapping {
            try await store.read { [tenant] tx in try SecondFactorRow.find(person: person, tenant: tenant, in: tx) }
        }
    }

    private func step(
        of digits: String, _ row: SecondFactorRow, _ person: String
    ) async throws(GatewayError) -> Int64? {
        let secret = try await GatewayError.mapping { try await vault.open(row.secret, for: place(person)) }
        let code = secret.withArray { OneTimeCode(secret: $0) }
        return code.step(of: digits, at: clock().microseconds / 1_000_000, after: row.lastStep)
    }

    // MARK: One's own

    /// Whether a code is asked of the caller.
    public func secondFactor(_ caller: Caller) async throws(GatewayError) -> SecondFactorState {
        try await secondFactor(of: caller.userID)
    }

    /// Begins: the secret for the caller's app. Nothing is asked for until a code of it was typed.
    ///
    /// - Throws: 401 `wrong_credentials`, 409 `second_factor_on`, 429 `too_many_attempts`.
    public func offerSecondFactor(_ caller: Caller, password: String) async throws(GatewayError) -> SecondFactorOffer {
        try await confirmPassword(caller, password)
        return try await offer(userID: caller.userID, username: caller.username)
    }

    /// The caller's app works: from now on a code is asked for. Answers the recovery codes, which are shown once.
    ///
    /// - Throws: 401 `wrong_code`, 409 `second_factor_not_offered`, 429 `too_many_attempts`.
    public func confirmSecondFactor(_ caller: Caller, code: String) async throws(GatewayError) -> [String] {
        try await confirm(caller, userID: caller.userID, code: code)
    }

    /// Ten new recovery codes; the old ones are good for nothing any more.
    ///
    /// - Throws: 401 `wrong_credentials`, `wrong_code`; 409 `second_factor_off`; 429 `too_many_attempts`.
    public func renewRecoveryCodes(
        _ caller: Caller, password: String, code: String
    ) async throws(GatewayError) -> [String] {
        try await change(caller, password: password, code: code, action: "user.recovery_codes") { [self] tx in
            try makeRecoveryCodes(of: caller.userID, in: tx)
        }
    }

    /// The caller's password is enough again.
    ///
    /// - Throws: 401 `wrong_credentials`, `wrong_code`; 409 `second_factor_off`; 429 `too_many_attempts`.
    public func removeSecondFactor(_ caller: Caller, password: String, code: String) async throws(GatewayError) {
        try await change(caller, password: password, code: code, action: "user.second_factor_off") { [self] tx in
            try forget(caller.userID, in: tx)
        }
    }

    private func change<Value: Sendable>(
        _ caller: Caller, password: String, code: String, action: String,
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> Value
    ) async throws(GatewayError) -> Value {
        let person = try await confirmPassword(caller, password)
        let proof = try await secondProof(of: person, code: code.isEmpty ? "-" : code, address: caller.address)
        if case .notAsked = proof { throw Self.isOff }
        let value: Value? = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                guard try spend(proof, of: caller.userID, in: tx) else { return nil }
                try audit.append(
                    AuditEvent(actor: caller.auditActor, action: action, object: person.auditObject), in: tx)
                return try body(tx)
            }
        }
        guard let value else {
            try await recordWrongCode(person, address: caller.address)
            throw .wrongCode
        }
        throttle.codeSucceeded(account: caller.username)
        return value
    }

    // MARK: Everybody's

    /// Who proves more than a password, by user name.
    ///
    /// - Throws: 403 without `user.manage`.
    public func secondFactors(_ caller: Caller) async throws(GatewayError) -> [String: SecondFactorState] {
        try policy.require(.userManage, of: caller)
        var states: [String: SecondFactorState] = [:]
        for user in try await users(caller) { states[user.username] = try await secondFactor(of: user.id) }
        return states
    }

    /// Begins for somebody else, who stands beside: the machine's command line does so.
    ///
    /// - Throws: 403 without `user.manage`, 404, 409 `second_factor_on`.
    public func offerSecondFactor(_ caller: Caller, username: String) async throws(GatewayError) -> SecondFactorOffer {
        let person = try await managed(caller, username)
        return try await offer(userID: person.user.id, username: person.user.username)
    }

    /// The code that the other person's app shows.
    ///
    /// - Throws: as `confirmSecondFactor(_:code:)`; 403 without `user.manage`, 404.
    public func confirmSecondFactor(
        _ caller: Caller, username: String, code: String
    ) async throws(GatewayError) -> [String] {
        try await confirm(caller, userID: try await managed(caller, username).user.id, code: code)
    }

    /// Somebody's phone is gone, and the recovery codes too. Their sign-ins end.
    ///
    /// - Throws: 403 without `user.manage`, 404, 409 `second_factor_off`.
    public func removeSecondFactor(_ caller: Caller, username: String) async throws(GatewayError) {
        let person = try await managed(caller, username)
        let ended = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                guard try SecondFactorRow.find(person: person.user.id, tenant: tenant, in: tx) != nil else {
                    throw Self.isOff
                }
                try forget(person.user.id, in: tx)
                try audit.append(
                    AuditEvent(actor: caller.auditActor, action: "user.second_factor_off", object: person.auditObject),
                    in: tx)
                return try endAll(
                    of: person.user.id, except: caller.signInID, because: "second factor removed", in: tx)
            }
        }
        announce(ended)
    }

    private func managed(_ caller: Caller, _ username: String) async throws(GatewayError) -> PersonRow {
        try policy.require(.userManage, of: caller)
        let person = try await GatewayError.mapping {
            try await store.read { [tenant] tx in
                try PersonRow.find(username: username.lowercased(), tenant: tenant, in: tx)
            }
        }
        guard let person else { throw .notFound("person") }
        return person
    }

    // MARK: What both do

    private static let isOff = GatewayError.conflict(
        "second_factor_off", "No code is asked for at this account.", hint: "Turn it on first.")

    private func secondFactor(of userID: String) async throws(GatewayError) -> SecondFactorState {
        try await GatewayError.mapping {
            try await store.read { [tenant] tx in
                guard let row = try SecondFactorRow.find(person: userID, tenant: tenant, in: tx), row.isConfirmed else {
                    return SecondFactorState(since: nil, recoveryCodesLeft: 0)
                }
                let left =
                    try tx.row(
                        """
                        SELECT count(*) AS n FROM person_recovery
                        WHERE tenant = \(tenant) AND person = \(userID) AND used IS NULL
                        """)?.integer("n") ?? 0
                return SecondFactorState(since: row.created, recoveryCodesLeft: Int(left))
            }
        }
    }

    private func offer(userID: String, username: String) async throws(GatewayError) -> SecondFactorOffer {
        let secret = SecretToken.randomBytes(20)
        let offer = try SecondFactorOffer(secret: secret, username: username)
        let sealed = try await GatewayError.mapping { try await vault.seal(SecretBytes(secret), for: place(userID)) }
        let isTaken = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                // One that was begun and never confirmed makes room.
                try tx.row(
                    """
                    INSERT INTO person_totp (tenant, person, secret, confirmed, created, last_step)
                    VALUES (\(tenant), \(userID), \(sealed), \(false), \(clock()), 0)
                    ON CONFLICT (tenant, person) DO UPDATE SET secret = \(sealed), created = \(clock()), last_step = 0
                    WHERE NOT person_totp.confirmed RETURNING person
                    """) == nil
            }
        }
        guard !isTaken else {
            throw .conflict(
                "second_factor_on", "A code is asked for already.",
                hint: "Turn it off first, with a code of the old app or a recovery code.")
        }
        return offer
    }

    private func confirm(_ caller: Caller, userID: String, code: String) async throws(GatewayError) -> [String] {
        let row = try await secondFactorRow(userID)
        guard let row, !row.isConfirmed, clock() - row.created < Self.offerLifetime else {
            throw .conflict("second_factor_not_offered", "There is nothing to confirm.", hint: "Begin again.")
        }
        // A wrong code costs an attempt here too: the secret is on somebody's screen, and not for guessing.
        if let wait = throttle.admitCode(account: "offer " + userID, now: clock()) {
            throw .tooManyAttempts("There were too many wrong codes.", wait: wait)
        }
        guard case .oneTime(let digits) = TypedCode(code), let step = try await step(of: digits, row, userID) else {
            throw .wrongCode
        }
        let codes: [String]? = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                let confirmed = try tx.row(
                    """
                    UPDATE person_totp SET confirmed = \(true), created = \(clock()), last_step = \(step)
                    WHERE tenant = \(tenant) AND person = \(userID) AND NOT confirmed AND secret = \(row.secret)
                    RETURNING person
                    """)
                guard confirmed != nil, let person = try PersonRow.find(id: userID, tenant: tenant, in: tx) else {
                    return nil
                }
                try audit.append(
                    AuditEvent(actor: caller.auditActor, action: "user.second_factor_on", object: person.auditObject),
                    in: tx)
                return try makeRecoveryCodes(of: userID, in: tx)
            }
        }
        guard let codes else { throw .wrongCode }
        throttle.codeSucceeded(account: "offer " + userID)
        return codes
    }

    private func makeRecoveryCodes(
        of userID: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> [String] {
        try tx.execute("DELETE FROM person_recovery WHERE tenant = \(tenant) AND person = \(userID)")
        let codes = (0..<RecoveryCode.count).map { _ in RecoveryCode.make() }
        for code in codes {
            try tx.execute(
                """
                INSERT INTO person_recovery (tenant, person, hash)
                VALUES (\(tenant), \(userID), \(RecoveryCode.hash(code)))
                """)
        }
        return codes
    }

    private func forget(_ userID: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM person_totp WHERE tenant = \(tenant) AND person = \(userID)")
        try tx.execute("DELETE FROM person_recovery WHERE tenant = \(tenant) AND person = \(userID)")
    }
}
