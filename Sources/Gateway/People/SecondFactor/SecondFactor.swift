import Foundation
import Storage

/// Whether somebody proves more than a password.
public struct SecondFactorState: Sendable, Hashable {
    /// Since when a code is asked for; nil where none is.
    public let since: Timestamp?
    /// Recovery codes that were not used yet.
    public let recoveryCodesLeft: Int
}

/// What a person's authenticator app has to know. Shown once, and kept nowhere else in the open.
public struct SecondFactorOffer: Sendable, Hashable {
    /// In base 32, for those who type it.
    public let secret: String
    /// The same as an `otpauth:` address, which the app takes from the picture.
    public let address: String
    /// The address as a picture.
    public let picture: QRCode

    init(secret: [UInt8], username: String) throws(GatewayError) {
        self.secret = Base32.text(secret)
        let issuer = "SSH%20Copilot"
        address = "otpauth://totp/\(issuer):\(username)?secret=\(self.secret)&issuer=\(issuer)"
        guard let picture = QRCode(Array(address.utf8)) else {
            throw GatewayError("internal", status: 500, "The picture could not be drawn.", hint: "Type the secret.")
        }
        self.picture = picture
    }
}

/// The second factors of people and the codes that help when the phone is lost.
enum SecondFactorSchema {
    static let migration = Migration(
        "gateway-0003-second-factors",
        [
            // The secret is sealed by the vault. `last_step` is the newest step whose code was used: none up to it counts.
            """
            CREATE TABLE person_totp (
                tenant TEXT NOT NULL,
                person TEXT NOT NULL,
                secret \(type: .bytes) NOT NULL,
                confirmed \(type: .boolean) NOT NULL,
                created \(type: .integer) NOT NULL,
                last_step \(type: .integer) NOT NULL,
                PRIMARY KEY (tenant, person),
                FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
            ) \(clause: .strict)
            """,
            """
            CREATE TABLE person_recovery (
                tenant TEXT NOT NULL,
                person TEXT NOT NULL,
                hash \(type: .bytes) NOT NULL,
                used \(type: .integer),
                PRIMARY KEY (tenant, person, hash),
                FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
            ) \(clause: .strict)
            """,
        ])
}

/// A person's second factor in the database.
struct SecondFactorRow: Sendable {
    let secret: [UInt8]
    let isConfirmed: Bool
    let created: Timestamp
    let lastStep: Int64

    static func find(
        person: String, tenant: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> SecondFactorRow? {
        guard let row = try tx.row("SELECT * FROM person_totp WHERE tenant = \(tenant) AND person = \(person)") else {
            return nil
        }
        return SecondFactorRow(
            secret: try row.bytes("secret"), isConfirmed: try row.bool("confirmed"), created: try row.time("created"),
            lastStep: try row.integer("last_step"))
    }
}

/// A code that somebody typed.
enum TypedCode: Sendable, Hashable {
    case oneTime(String)
    /// The hash of what may be a recovery code.
    case recovery([UInt8])

    /// Blanks and dashes are how people copy such things.
    init(_ text: String) {
        let letters = text.utf8.prefix(64).filter { $0 != 0x20 && $0 != 0x2D }
        let code = String(decoding: letters, as: UTF8.self)
        if code.utf8.count == 6, code.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            self = .oneTime(code)
        } else {
            self = .recovery(RecoveryCode.hash(code))
        }
    }
}

/// A code for the day on which the phone is gone: 80 random bits, good once. Only its hash is kept, and a plain one is
/// enough for so many bits.
enum RecoveryCode {
    static let count = 10

    /// Four letters and digits, four times: `ABCD-EFGH-IJKL-MNOP`.
    static func make() -> String {
        let text = Base32.text(SecretToken.randomBytes(10))
        return stride(from: 0, to: text.count, by: 4).map { String(text.dropFirst($0).prefix(4)) }.joined(
            separator: "-")
    }

    static func hash(_ text: String) -> [UInt8] {
        SecretToken.hash("copilot/v1/recovery|" + text.replacing("-", with: "").uppercased())
    }
}

extension GatewayError {
    /// The password is right, and it is not enough.
    static let secondFactorRequired = GatewayError(
        "second_factor_required", status: 401, "A code is asked for beside the password.",
        hint: "Type the six digits that your authenticator app shows, or a recovery code.")

    /// Which of the two it is helps nobody but a thief.
    static let wrongCode = GatewayError(
        "wrong_code", status: 401, "The code is wrong, or it was used already.",
        hint: "Wait for the next one; when it goes on, set the phone's clock, or use a recovery code.")
}
