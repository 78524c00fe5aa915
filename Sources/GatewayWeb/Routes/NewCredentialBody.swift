import Gateway
import Vault

/// A credential as a request gives it: `{"kind": "password", "password": …}`, `{"kind": "key", "privateKey": …,
/// "passphrase": …}` or `{"kind": "generated"}`.
struct NewCredentialBody: Decodable {
    let credential: NewCredential

    private enum Kind: String, Decodable {
        case password, key, generated
    }

    private enum Key: String, CodingKey {
        case kind, password, privateKey, passphrase
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .password:
            credential = .password(SecretBytes(try container.decode(String.self, forKey: .password)))
        case .key:
            credential = .privateKey(
                SecretBytes(try container.decode(String.self, forKey: .privateKey)),
                passphrase: try container.decodeIfPresent(String.self, forKey: .passphrase).map { SecretBytes($0) })
        case .generated:
            credential = .generated
        }
    }
}
