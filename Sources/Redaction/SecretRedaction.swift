/// Takes secrets out of text that an agent, a log or an export gets to see, and puts `[redacted:github-token#3]` in their
/// place, with the same number for the same value.
///
/// Found are values that are known (the vault's, in plain, base64, hexadecimal and URL form), private keys, tokens of known
/// shape, bearer tokens, passwords in URLs, and values whose names say that they are secret (`DB_PASSWORD=…`,
/// `"api_key": "…"`, `--password …`). The text is gone through once; each decision looks a bounded way ahead and behind.
///
/// This lessens accidents. A program that wants to show a secret can always change its looks.
public struct SecretRedaction: Sendable {
    /// What a secret was taken to be.
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        case knownSecret = "known-secret"
        case privateKey = "private-key"
        case agentToken = "agent-token"
        case awsKey = "aws-key"
        case githubToken = "github-token"
        case gitlabToken = "gitlab-token"
        case slackToken = "slack-token"
        case stripeKey = "stripe-key"
        case googleKey = "google-key"
        case apiKey = "api-key"
        case jsonWebToken = "jwt"
        case bearerToken = "bearer-token"
        case urlPassword = "url-password"
        case password = "password"
    }

    /// Text with its secrets taken out.
    public struct Result: Sendable, Hashable {
        public internal(set) var bytes: [UInt8]
        /// How many of each kind were taken out.
        public internal(set) var counts: [Kind: Int]

        /// The text; what is no UTF-8 becomes U+FFFD.
        public var text: String { String(decoding: bytes, as: UTF8.self) }
        /// All that were taken out.
        public var total: Int { counts.values.reduce(0, +) }
    }

    let known: KnownSecrets
    let numbers: SecretNumbers

    /// - Parameters:
    ///   - known: values that are secret whatever they look like.
    ///   - numbers: share one between streams that should number alike, such as those of a session.
    public init(known: KnownSecrets = KnownSecrets(), numbers: SecretNumbers = SecretNumbers()) {
        self.known = known
        self.numbers = numbers
    }

    /// A text that is whole.
    public func redact(_ text: String) -> Result { redact(Array(text.utf8)) }

    /// Bytes that are whole.
    ///
    /// - Parameter shown: only this part is answered, and the rest is looked at to recognise what it cuts: a page of a log
    ///   shows no half of a token. A secret that reaches into it is replaced. Out of range bounds are clamped.
    public func redact(_ bytes: [UInt8], shown: Range<Int>? = nil) -> Result {
        let found = secrets(in: bytes)
        let shown = (shown ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
        var result = Result(bytes: [], counts: [:])
        append(bytes, shown, found, to: &result)
        return result
    }

    /// Where they are in a whole text: as it stands, and as it is seen.
    private func secrets(in bytes: [UInt8]) -> [SecretScan.Found] {
        let found = SecretScan(bytes, known: known, mayGoOn: false).found
        guard let plain = PlainBytes(bytes) else { return found }
        let seen = SecretScan(plain.bytes, known: known, mayGoOn: false).found.map {
            SecretScan.Found(range: plain.original($0.range), kind: $0.kind)
        }
        return SecretScan.merged(found + seen)
    }

    /// The same with as many bytes as before, for text whose places mean something, such as a screen's: what stands for a secret
    /// is filled up with `*`, or cut.
    public func redactKeepingLength(_ bytes: [UInt8]) -> Result {
        var result = Result(bytes: bytes, counts: [:])
        for secret in secrets(in: bytes) {
            let words = Array(placeholder(secret.kind, bytes[secret.range]).utf8.prefix(secret.range.count))
            let filling = [UInt8](repeating: UInt8(ascii: "*"), count: secret.range.count - words.count)
            result.bytes.replaceSubrange(secret.range, with: words + filling)
            result.counts[secret.kind, default: 0] += 1
        }
        return result
    }

    func append(_ bytes: [UInt8], _ shown: Range<Int>, _ found: [SecretScan.Found], to result: inout Result) {
        var at = shown.lowerBound
        for secret in found where secret.range.overlaps(shown) {
            if secret.range.lowerBound > at { result.bytes += bytes[at..<secret.range.lowerBound] }
            result.bytes += placeholder(secret.kind, bytes[secret.range]).utf8
            result.counts[secret.kind, default: 0] += 1
            at = min(shown.upperBound, secret.range.upperBound)
        }
        if at < shown.upperBound { result.bytes += bytes[at..<shown.upperBound] }
    }

    func placeholder(_ kind: Kind, _ value: ArraySlice<UInt8>) -> String {
        "[redacted:\(kind.rawValue)#\(numbers.number(of: value, kind))]"
    }
}
