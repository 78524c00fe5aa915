import Audit
import Crypto
import Foundation
import NIOConcurrencyHelpers
import Storage

/// One use of a passkey, as a page sends it: base64url throughout.
public struct PasskeyAssertion: Sendable, Decodable {
    public let credentialId: String
    public let clientDataJSON: String
    public let authenticatorData: String
    public let signature: String
}

/// Where a person acts from, and the passkey's answer if there is one.
public struct PasskeyProof: Sendable {
    public let assertion: PasskeyAssertion?
    /// The page's address, checked to be this server's.
    public let origin: String

    public init(_ assertion: PasskeyAssertion?, origin: String) {
        self.assertion = assertion
        self.origin = origin
    }

    /// The host name that passkeys of this page are made for.
    var place: String {
        let authority = origin.split(separator: "/").last.map(String.init) ?? ""
        if authority.hasPrefix("[") { return authority }
        return String(authority.split(separator: ":").first ?? "")
    }
}

/// What a page needs to have a passkey made.
public struct PasskeyCreation: Sendable, Encodable {
    public let challenge: String
    public let place: String
    public let userId: String
    public let userName: String
    /// Passkeys that there are already.
    public let exclude: [String]
}

/// A passkey that was just made, as a page sends it.
public struct NewPasskey: Sendable, Decodable {
    public let name: String
    public let clientDataJSON: String
    public let authenticatorData: String
    public let publicKey: String
}

/// Passkeys for decisions about agents. Whoever has one decides by it alone: a sign-in, which another program of the same
/// account could use, is not enough then.
///
/// The challenge that the authenticator signs holds the SHA-256 of what is decided, word for word, so that an answer for one
/// thing is none for another. It is good once, for two minutes, for the person that it was made for.
public final class Passkeys: Sendable {
    static let migration = Migration(
        "passkeys-1",
        [
            """
            CREATE TABLE passkey (
                tenant TEXT NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL,
                public_key \(type: .bytes) NOT NULL, use_count \(type: .integer) NOT NULL,
                created \(type: .integer) NOT NULL, last_used \(type: .integer),
                PRIMARY KEY (tenant, id)) \(clause: .strict)
            """,
            "CREATE INDEX passkey_by_person ON passkey (tenant, person)",
        ])

    private struct Challenge {
        let userID: String
        let digest: [UInt8]
        let until: Timestamp
    }

    private static let patience: Duration = .seconds(120)
    private static let challengesEach = 20
    private static let most = 20

    private let store: Store
    private let audit: AuditLog
    private let tenant: String
    private let challenges = NIOLockedValueBox<[String: Challenge]>([:])

    init(store: Store, audit: AuditLog, tenant: String) {
        self.store = store
        self.audit = audit
        self.tenant = tenant
    }

    /// A person's own, the oldest first.
    public func list(_ caller: Caller) async throws(GatewayError) -> [PasskeyView] {
        try await keys(of: caller.userID).map(\.view)
    }

    private func keys(of userID: String) async throws(GatewayError) -> [Passkey] {
        let tenant = tenant
        return try await GatewayError.mapping { [store] in
            try await store.read { tx in
                try tx.rows("SELECT * FROM passkey WHERE tenant = \(tenant) AND person = \(userID) ORDER BY created")
                    .map(Passkey.init)
            }
        }
    }

    // MARK: Making and removing

    /// What a page has to know to let a passkey be made.
    public func creation(_ caller: Caller, origin: String) async throws(GatewayError) -> PasskeyCreation {
        let place = PasskeyProof(nil, origin: origin).place
        // Browsers make passkeys for names only (§5.1.3).
        guard !place.isEmpty, !place.hasPrefix("["), place.contains(where: \.isLetter) else {
            throw GatewayError(
                "passkey_place", status: 409,
                "Browsers make passkeys for names, and this page is open under an address.",
                hint: "Open the page by its name, such as http://localhost.")
        }
        let known = try await keys(of: caller.userID)
        return PasskeyCreation(
            challenge: challenge(for: Self.creating, caller), place: place,
            userId: Self.text(Array(caller.userID.utf8)),
            userName: caller.username, exclude: known.map(\.id))
    }

    private static let creating = "make a passkey"

    /// Takes in a passkey that a page had made. Whoever has one already proves it with that.
    public func add(_ new: NewPasskey, _ proof: PasskeyProof, caller: Caller) async throws(GatewayError) -> PasskeyView
    {
        let name = try VisibleText.line(new.name, field: "name", what: "The passkey's name", limit: 60)
        let client = try PasskeyClientData(try Self.bytes(new.clientDataJSON))
        let data = try AuthenticatorData(try Self.bytes(new.authenticatorData))
        try check(client, data, type: "webauthn.create", place: proof.place, origin: proof.origin)
        guard let credential = data.credential else { throw .passkeyWrong("There is no new key in the answer.") }
        let encoded = try Self.bytes(new.publicKey)
        _ = try PasskeyKey(subjectPublicKeyInfo: encoded)
        let id = Self.text(Array(credential))
        let known = try await keys(of: caller.userID)
        guard known.count < Self.most else {
            throw .conflict("too_many_passkeys", "You have \(Self.most) passkeys already.", hint: "Remove one of them.")
        }
        if !known.isEmpty { try await require("add the passkey \(id)", proof, caller) }
        try use(client.challenge, for: Self.creating, caller)
        let (tenant, place, now, userID) = (tenant, proof.place, Timestamp.now(), caller.userID)
        let count = Int64(data.count)
        let event = AuditEvent(
            actor: caller.auditActor, action: "passkey.added", object: .init(kind: "passkey", id: id, name: name),
            details: ["place": place])
        try await GatewayError.mapping { [store, audit] in
            try await store.transaction { tx in
                let taken = try tx.rows("SELECT id FROM passkey WHERE tenant = \(tenant) AND id = \(id)")
                guard taken.isEmpty else {
                    throw GatewayError.conflict("passkey_known", "This passkey is known already.", hint: "Use it.")
                }
                try tx.execute(
                    """
                    INSERT INTO passkey (tenant, id, person, name, place, public_key, use_count, created)
                    VALUES (\(tenant), \(id), \(userID), \(name), \(place), \(encoded), \(count), \(now))
                    """)
                _ = try audit.append(event, in: tx)
            }
        }
        return PasskeyView(id: id, name: name, place: place, createdAt: now.iso8601, lastUsedAt: nil)
    }

    /// Removes one, which only the owner of one can: else whoever has the sign-in would turn the demand off.
    public func remove(_ id: String, _ proof: PasskeyProof, caller: Caller) async throws(GatewayError) {
        guard try await keys(of: caller.userID).contains(where: { $0.id == id }) else { throw .notFound("passkey") }
        try await require("remove the passkey \(id)", proof, caller)
        let event = AuditEvent(
            actor: caller.auditActor, action: "passkey.removed", object: .init(kind: "passkey", id: id, name: id))
        try await delete(event, where: (caller.userID, id))
    }

    /// Removes all of a person's, for whoever runs the command line on this machine: a lost passkey locks nobody out.
    public func removeAll(userID: String, caller: Caller) async throws(GatewayError) {
        let event = AuditEvent(
            actor: caller.auditActor, action: "passkey.removed", object: .init(kind: "user", id: userID, name: userID),
            details: ["which": "all"])
        try await delete(event, where: (userID, nil))
    }

    private func delete(_ event: AuditEvent, where what: (userID: String, id: String?)) async throws(GatewayError) {
        let (tenant, userID, id) = (tenant, what.userID, what.id)
        try await GatewayError.mapping { [store, audit] in
            try await store.transaction { tx in
                try tx.execute(
                    """
                    DELETE FROM passkey WHERE tenant = \(tenant) AND person = \(userID)
                        AND (\(id) IS NULL OR id = \(id))
                    """)
                _ = try audit.append(event, in: tx)
            }
        }
    }

    // MARK: Deciding

    /// Demands a passkey's answer over exactly this, from whoever has a passkey.
    /// - Parameter action: what is decided, word for word.
    /// - Returns: the passkey that it was; nil for somebody who has none.
    /// - Throws: 403 `passkey_needed`, with the challenge in its details; 403 `passkey_wrong`.
    @discardableResult
    func require(_ action: String, _ proof: PasskeyProof, _ caller: Caller) async throws(GatewayError) -> String? {
        let known = try await keys(of: caller.userID)
        guard !known.isEmpty else { return nil }
        guard let assertion = proof.assertion else {
            let here = known.filter { $0.place == proof.place }
            guard !here.isEmpty else {
                let places = Set(known.map(\.place)).sorted().joined(separator: ", ")
                throw GatewayError(
                    "passkey_place", status: 403, "Your passkey was made for \(places), not for this page's name.",
                    hint: "Open the page under that name.")
            }
            throw GatewayError(
                "passkey_needed", status: 403, "This is decided with your passkey.",
                hint: "Confirm it with the passkey that you made here.",
                details: [
                    "challenge": .string(challenge(for: action, caller)), "place": .string(proof.place),
                    "allow": .array(here.map { .string($0.id) }),
                ])
        }
        guard let key = known.first(where: { $0.id == assertion.credentialId }) else {
            throw .passkeyWrong("This is none of your passkeys.")
        }
        let (clientBytes, dataBytes) = (
            try Self.bytes(assertion.clientDataJSON), try Self.bytes(assertion.authenticatorData)
        )
        let client = try PasskeyClientData(clientBytes)
        let data = try AuthenticatorData(dataBytes)
        try use(client.challenge, for: action, caller)
        try check(client, data, type: "webauthn.get", place: key.place, origin: proof.origin)
        // §7.2, steps 19 and 20.
        guard
            key.key.isValid(try Self.bytes(assertion.signature), for: dataBytes + Array(SHA256.hash(data: clientBytes)))
        else { throw .passkeyWrong("The passkey's signature is wrong.") }
        try await used(key, count: Int64(data.count))
        return key.id
    }

    /// §7.1 and §7.2: for this server, from this page, with a person.
    private func check(
        _ client: PasskeyClientData, _ data: AuthenticatorData, type: String, place: String, origin: String
    ) throws(GatewayError) {
        guard client.type == type, client.crossOrigin != true, client.origin.lowercased() == origin.lowercased() else {
            throw .passkeyWrong("The passkey's answer was made for another page or another purpose.")
        }
        guard place == PasskeyProof(nil, origin: origin).place,
            data.placeHash.elementsEqual(SHA256.hash(data: Data(place.utf8)))
        else { throw .passkeyWrong("The passkey's answer was made for another server.") }
        guard data.isPersonPresent else { throw .passkeyWrong("Nobody touched the passkey.") }
    }

    /// A count that does not grow says that there are two of it (§7.2, step 21).
    private func used(_ key: Passkey, count: Int64) async throws(GatewayError) {
        let (tenant, now) = (tenant, Timestamp.now())
        let isFresh = try await GatewayError.mapping { [store] in
            try await store.transaction { tx in
                let row = try tx.rows(
                    "SELECT use_count FROM passkey WHERE tenant = \(tenant) AND id = \(key.id)"
                ).first
                guard let before = try row?.integer("use_count"), (count == 0 && before == 0) || count > before else {
                    return false
                }
                try tx.execute(
                    """
                    UPDATE passkey SET use_count = \(count), last_used = \(now)
                    WHERE tenant = \(tenant) AND id = \(key.id)
                    """)
                return true
            }
        }
        guard isFresh else { throw .passkeyWrong("This passkey's counter does not grow: there may be a copy of it.") }
    }

    // MARK: Challenges

    /// 16 random bytes, then the SHA-256 of what is decided.
    private func challenge(for action: String, _ caller: Caller) -> String {
        let digest = Array(SHA256.hash(data: Data(action.utf8)))
        let text = Self.text(SecretToken.randomBytes(16) + digest)
        let now = Timestamp.now()
        challenges.withLockedValue { all in
            all = all.filter { $0.value.until > now }
            let own = all.filter { $0.value.userID == caller.userID }.sorted { $0.value.until < $1.value.until }
            for old in own.dropLast(Self.challengesEach - 1) { all[old.key] = nil }
            all[text] = Challenge(userID: caller.userID, digest: digest, until: now + Self.patience)
        }
        return text
    }

    private func use(_ challenge: String, for action: String, _ caller: Caller) throws(GatewayError) {
        let digest = Array(SHA256.hash(data: Data(action.utf8)))
        let found = challenges.withLockedValue { $0.removeValue(forKey: challenge) }
        guard let found, found.userID == caller.userID, found.digest == digest, found.until > .now() else {
            throw .passkeyWrong("This answer is not about what is decided here, or came too late.")
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { Base64URL.text(bytes) }

    private static func bytes(_ text: String) throws(GatewayError) -> [UInt8] {
        guard text.utf8.count <= 16_384, let bytes = Base64URL.bytes(text) else {
            throw .passkeyWrong("A part of the passkey's answer is not base64url.")
        }
        return bytes
    }
}
