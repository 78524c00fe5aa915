import Audit
public import SSHKeys
import Storage

/// How people come in by SSH: by their registered keys, or by the same password as everywhere.
extension People {
    /// Lets the owner of a key in. The caller has verified a signature by it over this very connection.
    ///
    /// - Parameters:
    ///   - userID: Only this person, where somebody is known already; nil for whoever's key it is.
    ///   - address: Where the connection comes from.
    /// - Throws: 401 `wrong_credentials` for a key that nobody has, and for a disabled account.
    public func signIn(
        key: SSHPublicKey, of userID: String? = nil, address: String
    ) async throws(GatewayError) -> Caller {
        let (line, fingerprint) = (key.authorizedKeysLine(), key.fingerprint)
        let signIn: SignIn? = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                // The whole key decides: the fingerprint only finds it.
                guard let found = try keys(with: fingerprint, in: tx).first, found.line == line,
                    userID == nil || userID == found.userID,
                    let person = try PersonRow.find(id: found.userID, tenant: tenant, in: tx), !person.user.disabled
                else { return nil }
                return try start(
                    person, address: address, device: Self.device(ofKey: fingerprint), action: "user.sign_in",
                    details: ["door": "ssh", "key": fingerprint], in: tx)
            }
        }
        guard let signIn else {
            throw GatewayError(
                "wrong_credentials", status: 401, "This key is not known here.",
                hint: "Register it: copilot user key add NAME FILE.pub")
        }
        return caller(of: signIn, address: address)
    }

    /// Lets a person in by password, and by a code where there is a second factor, with the same limits on attempts as
    /// on the page.
    ///
    /// - Throws: 401 `wrong_credentials`, `second_factor_required`, `wrong_code`; 429 `too_many_attempts`.
    public func signInOverSSH(
        username: String, password: String, code: String? = nil, address: String
    ) async throws(GatewayError) -> Caller {
        let proven = try await self.signIn(
            username: username, password: password, code: code, address: address, device: "ssh")
        return caller(of: proven, address: address)
    }

    private func caller(of signIn: SignIn, address: String) -> Caller {
        Caller(
            tenant: tenant, userID: signIn.user.id, username: signIn.user.username, name: signIn.user.name,
            role: signIn.user.role, signInID: signIn.signInID, address: address)
    }

    /// A connection is over, and the sign-in that was made for it.
    public func connectionEnded(_ caller: Caller) async {
        _ = try? await store.transaction { [self] tx in try end(caller.signInID, because: "connection closed", in: tx) }
        cache.forget(userID: caller.userID)
    }

    /// Somebody came by SSH and was not let in by any key: it counts for the address at every door, and is written down.
    ///
    /// - Parameter fingerprints: Of the keys that were offered.
    public func refusedAtSSH(address: String, fingerprints: [String]) async {
        throttle.failed(address: address, now: clock())
        let actor = AuditActor(kind: .user, id: "unknown", name: "unknown", address: address)
        _ = try? await audit.append(
            AuditEvent(
                actor: actor, action: "user.sign_in", outcome: .refused,
                details: [
                    "door": "ssh", "reason": "no known key", "keys": fingerprints.joined(separator: " "),
                ]))
    }

    static func device(ofKey fingerprint: String) -> String { "ssh " + fingerprint }

    /// Ends what somebody is in by with a key that is no more.
    func endSignIns(
        of userID: String, byKey fingerprint: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> [Revocation] {
        let rows = try tx.rows(
            """
            UPDATE sign_in SET ended = \(clock()), ending = \("key removed")
            WHERE tenant = \(tenant) AND person = \(userID) AND device = \(Self.device(ofKey: fingerprint))
                AND ended IS NULL RETURNING id
            """)
        return try rows.map { row throws(StorageError) in .signIn(id: try row.text("id"), userID: userID) }
    }
}
