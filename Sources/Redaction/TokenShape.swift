/// Tokens that are known by how they begin.
struct TokenShape: Sendable {
    let beginning: [UInt8]
    let kind: SecretRedaction.Kind
    /// The least number of characters after the beginning.
    let minimum: Int
    /// Whether dots belong to it.
    let hasDots: Bool
    /// Whether only capitals and digits do.
    let isUppercase: Bool

    private init(
        _ beginning: String, _ kind: SecretRedaction.Kind, _ minimum: Int, dots: Bool = false, uppercase: Bool = false
    ) {
        self.beginning = Array(beginning.utf8)
        self.kind = kind
        self.minimum = minimum
        hasDots = dots
        isUppercase = uppercase
    }

    func holds(_ byte: UInt8) -> Bool {
        if isUppercase { return byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 }
        return Characters.isToken(byte) || hasDots && byte == UInt8(ascii: ".")
    }

    static let all: [TokenShape] = [
        TokenShape("AKIA", .awsKey, 12, uppercase: true), TokenShape("ASIA", .awsKey, 12, uppercase: true),
        TokenShape("ABIA", .awsKey, 12, uppercase: true), TokenShape("ACCA", .awsKey, 12, uppercase: true),
        TokenShape("ghp_", .githubToken, 20), TokenShape("gho_", .githubToken, 20),
        TokenShape("ghu_", .githubToken, 20),
        TokenShape("ghs_", .githubToken, 20), TokenShape("ghr_", .githubToken, 20),
        TokenShape("github_pat_", .githubToken, 20),
        TokenShape("glpat-", .gitlabToken, 16, dots: true), TokenShape("gldt-", .gitlabToken, 16),
        TokenShape("glrt-", .gitlabToken, 16), TokenShape("glcbt-", .gitlabToken, 16),
        TokenShape("glptt-", .gitlabToken, 16),
        TokenShape("xoxa-", .slackToken, 10), TokenShape("xoxb-", .slackToken, 10),
        TokenShape("xoxe-", .slackToken, 10),
        TokenShape("xoxe.", .slackToken, 10, dots: true), TokenShape("xoxo-", .slackToken, 10),
        TokenShape("xoxp-", .slackToken, 10), TokenShape("xoxr-", .slackToken, 10),
        TokenShape("xoxs-", .slackToken, 10),
        TokenShape("xapp-", .slackToken, 10),
        TokenShape("sk_live_", .stripeKey, 16), TokenShape("sk_test_", .stripeKey, 16),
        TokenShape("rk_live_", .stripeKey, 16),
        TokenShape("rk_test_", .stripeKey, 16), TokenShape("whsec_", .stripeKey, 16),
        TokenShape("AIza", .googleKey, 30), TokenShape("ya29.", .googleKey, 20, dots: true),
        TokenShape("GOCSPX-", .googleKey, 20),
        TokenShape("sk-", .apiKey, 20), TokenShape("npm_", .apiKey, 30), TokenShape("pypi-", .apiKey, 50),
        TokenShape("hf_", .apiKey, 30), TokenShape("dop_v1_", .apiKey, 40), TokenShape("SG.", .apiKey, 40, dots: true),
        TokenShape("hvs.", .apiKey, 20, dots: true), TokenShape("hvb.", .apiKey, 20, dots: true),
        TokenShape("dckr_pat_", .apiKey, 20), TokenShape("glsa_", .apiKey, 20), TokenShape("shpat_", .apiKey, 20),
        TokenShape("tskey-", .apiKey, 16), TokenShape("nvapi-", .apiKey, 30), TokenShape("gsk_", .apiKey, 30),
        TokenShape("lin_api_", .apiKey, 30), TokenShape("AGE-SECRET-KEY-1", .privateKey, 30),
        TokenShape("cpa_", .agentToken, 16),
        TokenShape("eyJ", .jsonWebToken, 16, dots: true),
    ]

    /// The shapes by their first byte.
    static let byFirst: [[TokenShape]] = {
        var table = [[TokenShape]](repeating: [], count: 256)
        for shape in all { if let first = shape.beginning.first { table[Int(first)].append(shape) } }
        return table
    }()
}
