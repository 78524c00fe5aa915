import Audit
import Storage
import Vault

extension People {
    private static let firstAdminLifetime: Duration = .seconds(15 * 60)
    private static let invitationLifetime: Duration = .seconds(24 * 60 * 60)

    /// A link's row as far as it matters.
    private struct Link: Sendable {
        let hash: [UInt8]
        let info: TokenInfo
        let person: PersonRow?
    }

    /// A token that makes the first admin: once, within 15 minutes, and only while there is no admin. A new one voids
    /// the one before. nil when there is an admin.
    public func firstAdminToken() async throws(GatewayError) -> String? {
        try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                guard try PersonRow.adminCount(tenant: tenant, in: tx) == 0 else { return nil }
                try tx.execute(
                    "UPDATE link_token SET void = TRUE WHERE tenant = \(tenant) AND kind = 'first-admin'")
                return try makeLink(.firstAdmin, person: nil, lifetime: Self.firstAdminLifetime, in: tx).token
            }
        }
    }

    /// What a link is for.
    ///
    /// - Throws: 410 `link_expired`, `link_used`, `link_void`.
    public func checkToken(_ token: String) async throws(GatewayError) -> TokenInfo {
        try await GatewayError.mapping {
            try await store.read { [self] tx in try usable(token, in: tx).info }
        }
    }

    /// Uses a link: the first admin is made, or the invited person gets this password; both are then signed in.
    ///
    /// - Parameter username: chosen by the first admin; an invitation has it fixed, and another one is refused.
    /// - Parameter code: of the person's second factor: a link alone does not get past it.
    /// - Throws: 410 as `checkToken`, 422 `invalid`, 409 `username_taken`; 401 `second_factor_required`, `wrong_code`.
    public func redeem(
        token: String, username: String, name: String, password: String, code: String? = nil, address: String,
        device: String = ""
    ) async throws(GatewayError) -> SignIn {
        let info = try await checkToken(token)
        let username = try UserRule.username(info.username ?? username)
        let name = try UserRule.name(name.isEmpty ? info.name ?? "" : name)
        let hash = try await passwords.hash(PasswordRule.checked(password, username: username, field: "password"))
        let invited = try await GatewayError.mapping {
            try await store.read { [self] tx in try usable(token, in: tx).person }
        }
        let proof: SecondProof =
            if let invited { try await secondProof(of: invited, code: code, address: address) } else { .notAsked }
        let (signIn, ended) = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                // Between the check and now somebody else may have used it.
                let link = try usable(token, in: tx)
                try tx.execute(
                    "UPDATE link_token SET used = \(clock()) WHERE tenant = \(tenant) AND hash = \(link.hash)")
                let id = try link.person?.user.id ?? insert(username: username, name: name, role: "admin", in: tx)
                guard try spend(proof, of: id, in: tx) else { throw GatewayError.wrongCode }
                try tx.execute(
                    """
                    UPDATE person SET password = \(hash), name = \(name) WHERE tenant = \(tenant) AND id = \(id)
                    """)
                let ended = try endAll(of: id, because: "password set by a link", in: tx)
                guard let person = try PersonRow.find(id: id, tenant: tenant, in: tx) else {
                    throw GatewayError.notFound("person")
                }
                let action = info.kind == .firstAdmin ? "user.first_admin" : "user.redeem"
                return (try start(person, address: address, device: device, action: action, in: tx), ended)
            }
        }
        announce(ended)
        throttle.codeSucceeded(account: username)
        return signIn
    }

    /// Makes an invitation, and voids those that the person has already.
    func makeInvitation(for person: String, in tx: borrowing StoreTransaction) throws -> Invitation {
        try voidLinks(of: person, in: tx)
        return try makeLink(.invitation, person: person, lifetime: Self.invitationLifetime, in: tx)
    }

    func voidLinks(of person: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            "UPDATE link_token SET void = TRUE WHERE tenant = \(tenant) AND person = \(person) AND used IS NULL")
    }

    private func makeLink(
        _ kind: TokenInfo.Kind, person: String?, lifetime: Duration, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> Invitation {
        let token = SecretToken()
        let expires = clock() + lifetime
        try tx.execute(
            """
            INSERT INTO link_token (tenant, hash, kind, person, created, expires, void)
            VALUES (\(tenant), \(token.hash), \(kind.rawValue), \(person), \(clock()), \(expires), \(false))
            """)
        return Invitation(token: token.text, expiresAt: expires)
    }

    private func usable(_ token: String, in tx: borrowing StoreTransaction) throws -> Link {
        let hash = SecretToken.hash(token)
        guard let row = try tx.row("SELECT * FROM link_token WHERE tenant = \(tenant) AND hash = \(hash)"),
            let kind = TokenInfo.Kind(rawValue: try row.text("kind"))
        else { throw Self.gone("link_void", "This link is not valid.", "Check that the whole link was copied.") }
        if try row.optionalTime("used") != nil {
            throw Self.gone("link_used", "This link was used already.", "Sign in with the password that was chosen.")
        }
        let person: PersonRow? =
            if let id = try row.optionalText("person") {
                try PersonRow.find(id: id, tenant: tenant, in: tx)
            } else {
                nil
            }
        let isPointless =
            kind == .firstAdmin
            ? try PersonRow.adminCount(tenant: tenant, in: tx) > 0 : person?.user.disabled != false
        guard try !row.bool("void"), !isPointless else {
            throw Self.gone("link_void", "This link is no longer valid.", "Ask an admin for a new one.")
        }
        let expires = try row.time("expires")
        guard expires > clock() else {
            throw Self.gone(
                "link_expired", "This link has expired.",
                kind == .firstAdmin
                    ? "Start the program again: it prints a new one." : "Ask an admin for a new one.")
        }
        let info = TokenInfo(
            kind: kind, username: person?.user.username, name: person?.user.name, expiresAt: expires)
        return Link(hash: hash, info: info, person: person)
    }

    private static func gone(_ code: String, _ error: String, _ hint: String) -> GatewayError {
        GatewayError(code, status: 410, error, hint: hint)
    }
}
